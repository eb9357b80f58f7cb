import Glibc
import HTTP
import Networking

/// Idle connections, for `scripts/bench memory`.
///
/// `hold --to ADDRESS --count N [--tls]` opens them, a few at a time; each sends one empty POST, reads the answer (401:
/// it shows no credentials) and is then idle, as a CPE's connection between two sessions is. Prints `open N` when all
/// are, and holds them until it is killed. Any certificate is taken.
enum HoldBench {
  /// How many are being opened at any time: below the server's accept queue.
  private static let window = 64

  private final class Opener: ConnectionDelegate {
    private let loop: EventLoop
    private let address: SocketAddress
    private var options = ConnectOptions()
    private var left: Int
    private(set) var idle = 0
    private(set) var failure: String?
    private var parsers: [ObjectIdentifier: ResponseParser] = [:]

    init(loop: EventLoop, to address: SocketAddress, count: Int, tls: TLSClientContext?) {
      self.loop = loop
      self.address = address
      left = count
      options.tls = tls
    }

    func open() {
      for _ in 0..<window { next() }
    }

    private func next() {
      guard left > 0 else { return }
      left -= 1
      do {
        _ = try Connection.connect(to: address, on: loop, options: options, delegate: self)
      } catch {
        failure = "\(error)"
      }
    }

    func connected(_ connection: Connection) {
      parsers[ObjectIdentifier(connection)] = ResponseParser()
      connection.write(Array("POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n".utf8))
    }

    func received(_ bytes: Span<UInt8>, _ connection: Connection) -> Int {
      let key = ObjectIdentifier(connection)
      guard var parser = parsers.removeValue(forKey: key) else { return bytes.count }
      var position = 0
      do {
        while true {
          switch try parser.next(bytes, from: &position) {
          case .needMore:
            parsers[key] = parser
            return bytes.count
          case .head, .body: continue
          case .end:
            guard parser.head.keepsAlive else {
              failure = "the server closes after its answer of status \(parser.head.status.rawValue)"
              return bytes.count
            }
            idle += 1
            next()
            return bytes.count
          }
        }
      } catch {
        failure = "\(error)"
        return bytes.count
      }
    }

    func ended(_ connection: Connection, _ why: ConnectionEnd) { failure = "a connection ended: \(why)" }
  }

  static func hold(_ arguments: [String]) async throws {
    func value(_ name: String) -> String? {
      guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
      return arguments[index + 1]
    }
    guard let to = value("--to"), let count = value("--count").flatMap(Int.init), count > 0 else {
      throw NetworkingError(.invalidAddress, "hold --to ADDRESS --count N [--tls]")
    }
    ProcessLimits.raiseOpenFiles()
    ProcessLimits.ignoreBrokenPipes()
    let address = try SocketAddress(to)
    let tls = arguments.contains("--tls") ? try TLSClientContext(verifies: false) : nil
    let loop = try EventLoop(name: "hold")
    let opener = try await loop.run {
      let opener = Opener(loop: loop, to: address, count: count, tls: tls)
      opener.open()
      return LoopBound(opener, on: loop)
    }
    while try await loop.run({ opener.value.idle < count && opener.value.failure == nil }) {
      try await loop.sleep(for: .milliseconds(50))
    }
    if let failure = try await loop.run({ opener.value.failure }) {
      throw NetworkingError(.closed, "hold", detail: failure)
    }
    print("open \(count)")
    fflush(nil)
    while try await loop.run({ opener.value.failure == nil }) { try await loop.sleep(for: .seconds(1)) }
    throw NetworkingError(.closed, "hold", detail: "not all stayed open")
  }
}
