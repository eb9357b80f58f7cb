import Cryptography
import EventLog
import Networking
import Testing

@testable import Gateway

@Suite("Who speaks in a POST")
struct SpeakerTests {
  private static let keyring = ClusterKeyring(
    (try? ClusterSecret(bytes: [UInt8](repeating: 1, count: 32))) ?? { fatalError("32 bytes are a secret") }())
  private let device = UUID128(high: 2, low: 2)
  private let authentication = Authentication(
    keyring, realm: "carillon", bootstrap: ("boot", SecretKey(Array("boot-password".utf8))))
  private let credential = StoredCredential(
    device: UUID128(high: 2, low: 2), secret: SecretKey(Array("secret".utf8)), pending: SecretKey(Array("next".utf8)))

  private var policy: Authentication.Policy {
    var policy = Authentication.Policy()
    policy.basic = true
    return policy
  }

  private func cookie(
    isPlain: Bool = false, _ authentication: CPEMessage.Authentication = .own
  ) -> SessionCookie {
    SessionCookie(
      session: UUID128(high: 3, low: 3), device: device, namespaceMinor: 0, authentication: authentication, waits: true,
      isPlain: isPlain, issuedAt: 0, sessionTimeout: 0)
  }

  private func surroundings(
    _ session: SessionCookie?, carried: SessionCookie? = nil, proved: Principal? = nil, isTLS: Bool = false
  ) -> Surroundings {
    Surroundings(session: session, carried: carried, proved: proved, isTLS: isTLS)
  }

  private func judge(
    _ header: String?, _ post: Surroundings, policy: Authentication.Policy? = nil, knows: Bool = false,
    isFirst: Bool = true, now: Int64 = 0
  ) -> Authentication.Verdict {
    let policy = policy ?? self.policy
    let value = header.map { Array($0.utf8) } ?? []
    let claim = authentication.claim(
      header == nil ? nil : value.span, method: Array("POST".utf8), target: Array("/".utf8), policy: policy, now: now)
    return authentication.judge(
      claim, post, policy: policy, cached: { _ in knows ? credential : nil }, isFirst: { _ in isFirst })
  }

  private func speaker(_ verdict: Authentication.Verdict) -> Speaker? {
    if case .known(let speaker) = verdict { speaker } else { nil }
  }

  private func basic(_ user: String, _ password: String) -> String {
    BasicAuthorization.headerValue(username: user, password: password)
  }

  private func digest(_ user: String, _ password: String, realm: String? = nil, issued: Int64 = 0) throws -> String {
    let value = try #require(authentication.challenges(policy: policy, stale: false, now: issued).first)
    let parsed = DigestChallenge.parse(Array(value.utf8).span)
    var challenge = try #require(parsed)
    if let realm { challenge.realm = realm }
    return challenge.answer(username: user, password: password, method: "POST", uri: "/", clientNonce: "c")
  }

  @Test("a cookie of TLS is enough for its session's POSTs on TLS, and never for an Inform")
  func cookieAlone() {
    let seen = speaker(judge(nil, surroundings(cookie(), isTLS: true)))
    #expect(seen?.principal == .device(device, .own) && seen?.informer == nil)
    #expect(seen?.doubt == .unproved(isStale: false))
    // So it is with a session that nobody had to prove anything for, at a listener that demands a proof.
    let anybody = speaker(judge(nil, surroundings(cookie(.none))))
    #expect(anybody?.principal == .anybody && anybody?.informer == nil)
  }

  @Test("a cookie that was once sent in the clear is no proof on TLS, nor on a plain connection that is not its own")
  func sniffedCookie() {
    let sniffed = cookie(isPlain: true)
    #expect(speaker(judge(nil, surroundings(sniffed, isTLS: true))) == nil)
    #expect(speaker(judge(nil, surroundings(sniffed))) == nil)
    #expect(speaker(judge(nil, surroundings(cookie()))) == nil)
    let other = SessionCookie(
      session: UUID128(high: 4, low: 4), device: device, namespaceMinor: 0, authentication: .own, waits: true,
      isPlain: true, issuedAt: 0, sessionTimeout: 0)
    #expect(speaker(judge(nil, surroundings(sniffed, carried: other))) == nil)
    #expect(speaker(judge(nil, surroundings(sniffed, carried: sniffed)))?.principal == .device(device, .own))
  }

  @Test("who proved on a connection that is one CPE who it is may inform on it again without another proof (item 109)")
  func provedConnection() {
    let session = cookie(isPlain: true)
    let own = Principal.device(device, .own)
    let seen = speaker(judge(nil, surroundings(session, carried: session, proved: own)))
    #expect(seen == Speaker(byCookie: own, informer: own))
    #expect(speaker(judge(nil, surroundings(nil, proved: own)))?.informer == own)
    #expect(speaker(judge(nil, surroundings(session, carried: session)))?.informer == nil)
  }

  @Test("a listener that was told to takes anybody's Inform, with an old cookie too")
  func anybody() {
    var policy = policy
    policy.none = true
    #expect(speaker(judge(nil, surroundings(nil), policy: policy)) == Speaker(.anybody))
    let seen = speaker(judge(nil, surroundings(cookie(), isTLS: true), policy: policy))
    #expect(seen?.principal == .device(device, .own) && seen?.informer == .anybody)
  }

  @Test("a proof is a match in the cache; what is none is looked up, a pending password too")
  func proofs() throws {
    for header in [basic("user", "secret"), try digest("user", "secret")] {
      #expect(speaker(judge(header, surroundings(nil), knows: true)) == Speaker(.device(device, .own)))
    }
    #expect(speaker(judge(basic("boot", "boot-password"), surroundings(nil))) == Speaker(.bootstrap))
    for (header, knows) in [
      (basic("user", "wrong"), true), (basic("user", "next"), true), (basic("user", "secret"), false),
    ] {
      guard case .lookUp(let username, _, let unlessAway) = judge(header, surroundings(nil), knows: knows) else {
        Issue.record("\(header) is looked up")
        continue
      }
      #expect(username == Array("user".utf8) && unlessAway == nil)
    }
    guard case .refused(false) = judge(basic("boot", "wrong"), surroundings(nil)) else { throw Unexpected() }
    guard case .refused(false) = judge("Bearer abc", surroundings(cookie(), isTLS: true)) else { throw Unexpected() }
  }

  @Test("while PostgreSQL is away a session's POST goes on by its cookie, where that would be enough (item 24)")
  func whileAway() throws {
    let session = cookie()
    for (post, expected) in [
      (surroundings(session, isTLS: true), Principal.device(device, .own)), (surroundings(session), nil),
    ] {
      guard case .lookUp(_, _, let unlessAway) = judge(basic("user", "secret"), post) else { throw Unexpected() }
      #expect(unlessAway == expected)
    }
  }

  @Test(
    "a nonce too old, or an answer used before, is stale: for an Inform always, in a session unless it has its cookie")
  func stale() throws {
    let old = try digest("user", "secret", issued: 0)
    let session = cookie(isPlain: true)
    for (isFirst, now) in [(true, 31_000_000), (false, 1_000_000)] as [(Bool, Int64)] {
      guard case .refused(true) = judge(old, surroundings(session), knows: true, isFirst: isFirst, now: now) else {
        throw Unexpected()
      }
      let post = surroundings(session, carried: session)
      let seen = speaker(judge(old, post, knows: true, isFirst: isFirst, now: now))
      #expect(seen == Speaker(byCookie: .device(device, .own), .unproved(isStale: true)))
    }
    #expect(speaker(judge(old, surroundings(nil), knows: true, now: 29_000_000)) != nil)
  }

  @Test("an answer for another realm is refused, though its response is right for that one")
  func otherRealm() throws {
    guard case .refused(false) = judge(try digest("user", "secret", realm: "other"), surroundings(nil), knows: true)
    else {
      throw Unexpected()
    }
  }

  private struct Unexpected: Error {}
}
