import Cryptography
import Synchronization
import Testing

@testable import Networking

@Suite("TLS ticket keys")
struct TicketKeysTests {
  private final class Clock: Sendable {
    let seconds = Mutex<Int64>(0)
    func set(day: Int64, second: Int64) { seconds.withLock { $0 = day * TicketKeys.period + second } }
    var now: Int64 { seconds.withLock { $0 } }
  }

  private static func key(_ day: Int64) -> [UInt8] { Array(repeating: UInt8(day), count: TicketKeys.keyLength) }

  @Test("today's seals, yesterday's and tomorrow's open as well, and with midnight (UTC) all move on by one")
  func rotation() throws {
    let clock = Clock()
    clock.set(day: 5, second: 0)
    let keys = try TicketKeys(clock: { clock.now }, keys: { [Self.key($0)] })
    #expect(keys.current == [5, 4, 6].map(Self.key))
    clock.set(day: 5, second: TicketKeys.period - 1)
    #expect(keys.current == [5, 4, 6].map(Self.key))
    clock.set(day: 6, second: 0)
    #expect(keys.current == [6, 5, 7].map(Self.key))
  }

  @Test("all gateways of a cluster derive the same; each day and each secret has others")
  func derivation() throws {
    let (one, other) = (try Self.keyring(1), try Self.keyring(2))
    let day = one.keys(for: .tlsTickets, day: 20_000, count: TicketKeys.keyLength).map(\.bytes)
    #expect(day == (try Self.keyring(1)).keys(for: .tlsTickets, day: 20_000, count: 80).map(\.bytes))
    #expect(day.allSatisfy { $0.count == TicketKeys.keyLength })
    #expect(day != one.keys(for: .tlsTickets, day: 20_001, count: 80).map(\.bytes))
    #expect(day != other.keys(for: .tlsTickets, day: 20_000, count: 80).map(\.bytes))
  }

  private static func keyring(_ byte: UInt8) throws -> ClusterKeyring {
    ClusterKeyring(try ClusterSecret(bytes: Array(repeating: byte, count: 32)))
  }
}
