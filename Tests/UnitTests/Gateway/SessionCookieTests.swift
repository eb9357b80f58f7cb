import Cryptography
import EventLog
import Testing

@testable import Gateway

@Suite("The session's cookie")
struct SessionCookieTests {
  private let codec: SessionCookieCodec

  init() throws { codec = SessionCookieCodec(ClusterKeyring(try ClusterSecret(bytes: Array(0..<32)))) }

  private func cookie(isPlain: Bool = false, sessionTimeout: UInt32 = 0) -> SessionCookie {
    SessionCookie(
      session: UUID128(high: 3, low: 3), device: UUID128(high: 2, low: 2), namespaceMinor: 4,
      authentication: .bootstrap,
      waits: true, isPlain: isPlain, issuedAt: 1_000, sessionTimeout: sessionTimeout)
  }

  @Test("says at any gateway what it was given, also on which transport", arguments: [false, true])
  func roundTrip(isPlain: Bool) throws {
    let given = cookie(isPlain: isPlain)
    let text = codec.encode(given)
    #expect(text.count == 96)
    #expect(try codec.decode(text.span, now: 1_001) == given)
    for index in text.indices {
      var forged = text
      forged[index] = forged[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      #expect(throws: SessionCookie.Refusal.forged) { try codec.decode(forged.span, now: 1_001) }
    }
  }

  @Test("one of a gateway of before, which has no bit for its transport, is good in its session")
  func ofBefore() throws {
    let old = "AW7NQXoAAAAAAAAAAwAAAAAAAAADAAAAAAAAAAIAAAAAAAAAAgQCAQAAAAAAAAPoAAACWAAAAAAordj8CjmOTXdlKscsKKDc"
    let found = try codec.decode(Array(old.utf8).span, now: 1_001)
    #expect(found == cookie())
  }

  @Test("is good for ten minutes at least and an hour at most, whatever the CPE asks for (item 41)")
  func lifetime() throws {
    for (timeout, lifetime) in [(0, 600), (1_800, 1_800), (3_600, 3_600), (.max, 3_600)] as [(UInt32, Int64)] {
      let text = codec.encode(cookie(sessionTimeout: timeout))
      #expect(try codec.decode(text.span, now: 1_000 + lifetime).session == UUID128(high: 3, low: 3))
      #expect(throws: SessionCookie.Refusal.expired) { try codec.decode(text.span, now: 1_001 + lifetime) }
    }
  }
}
