import Cryptography
import Testing

@Suite("HTTP Digest, both ends")
struct HTTPDigestTests {
  private func parse(_ text: String) throws -> AuthorizationHeader {
    try AuthorizationHeader.parse(Array(text.utf8).span)
  }

  private func challenge(in text: String) -> DigestChallenge? {
    DigestChallenge.parse(Array(text.utf8).span)
  }

  private func digest(_ text: String) throws -> DigestAuthorization {
    guard case .digest(let value) = try parse(text) else { throw AuthorizationHeader.Refusal.unknownScheme }
    return value
  }

  /// Vectors for user acs, realm cpe, password cr-pass; computed with another implementation.
  @Test(
    "MD5 with and without qop, and MD5-sess (items 104, 105)",
    arguments: [
      (", qop=auth, nc=00000001, cnonce=\"0a4f113b\"", "b3f3f0d9fa1353a349fd02a47bf98700"),
      ("", "43cf2afbd51c3aa95dfcb8766388e68e"),
      (", algorithm=MD5-sess, qop=auth, nc=00000001, cnonce=\"0a4f113b\"", "7f69af3fe42b267adbadf5bbec905325"),
    ])
  func vectors(extra: String, response: String) throws {
    let header =
      "Digest username=\"acs\", realm=\"cpe\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/cr\", "
      + "response=\"\(response)\"\(extra)"
    let authorization = try digest(header)
    #expect(authorization.proves(password: Array("cr-pass".utf8), method: Array("GET".utf8), target: Array("/cr".utf8)))
    #expect(
      !authorization.proves(password: Array("cr-pasS".utf8), method: Array("GET".utf8), target: Array("/cr".utf8)))
    #expect(
      !authorization.proves(password: Array("cr-pass".utf8), method: Array("PUT".utf8), target: Array("/cr".utf8)))
    #expect(!authorization.proves(password: Array("cr-pass".utf8), method: Array("GET".utf8), target: Array("/".utf8)))
  }

  /// RFC 2617 §3.5 and RFC 7616 §3.9.1.
  @Test("The RFCs' own examples")
  func rfcExamples() throws {
    let mufasa = try digest(
      """
      Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", \
      uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", \
      response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"
      """)
    let target = Array("/dir/index.html".utf8)
    #expect(mufasa.proves(password: Array("Circle Of Life".utf8), method: Array("GET".utf8), target: target))
    #expect(mufasa.nonceCount == 1)
    for (algorithm, response) in [
      ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
      ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
      let answer = try digest(
        """
        Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=\(algorithm), \
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, \
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="\(response)", \
        opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
        """)
      #expect(answer.proves(password: Array("Circle of Life".utf8), method: Array("GET".utf8), target: target))
    }
  }

  @Test("An answer to a challenge with qop may leave qop, nc and cnonce out (item 105, quirk Q8)")
  func withoutProtection() throws {
    let challenge = DigestChallenge(realm: "acs", nonce: "n1", offersProtection: false)
    let answer = challenge.answer(
      username: "cpe", password: "secret", method: "POST", uri: "/", clientNonce: "unused")
    #expect(!answer.contains("qop") && !answer.contains("cnonce") && !answer.contains("nc="))
    #expect(try digest(answer).proves(password: Array("secret".utf8), method: Array("POST".utf8), target: [0x2F]))
  }

  @Test("Every algorithm goes from challenge to answer to proof", arguments: DigestAlgorithm.allCases)
  func roundTrip(algorithm: DigestAlgorithm) throws {
    let challenge = DigestChallenge(realm: "a \"quoted\" \\ realm", nonce: "n", algorithm: algorithm, opaque: "o,p")
    let parsed = try #require(self.challenge(in: challenge.headerValue))
    #expect(parsed == challenge)
    let answer = parsed.answer(
      username: "00D09E-\"x\"", password: "pä:ss", method: "POST", uri: "/cwmp?a=1", clientNonce: "c", nonceCount: 17)
    let authorization = try digest(answer)
    #expect(authorization.username == Array("00D09E-\"x\"".utf8))
    #expect(authorization.nonceCount == 17)
    #expect(authorization.opaque == Array("o,p".utf8))
    #expect(
      authorization.proves(
        password: Array("pä:ss".utf8), method: Array("POST".utf8), target: Array("/cwmp?a=1".utf8)))
  }

  @Test("Our challenge offers qop=\"auth\" only and does not quote algorithm and stale (item 106)")
  func challengeForm() {
    let challenge = DigestChallenge(realm: "carillon", nonce: "abc", isStale: true)
    #expect(
      challenge.headerValue == "Digest realm=\"carillon\", nonce=\"abc\", qop=\"auth\", algorithm=MD5, stale=true")
  }

  @Test("Of a CPE's challenges the first Digest one with a known algorithm is answered, with or without qop (item 178)")
  func clientSide() throws {
    let header =
      "Basic realm=\"x\", Digest realm=\"cpe\", nonce=\"n2\", algorithm=SHA-512-256, qop=\"auth\", "
      + "Digest realm=\"cpe\", nonce=\"n\""
    let challenge = try #require(self.challenge(in: header))
    #expect(challenge == DigestChallenge(realm: "cpe", nonce: "n", algorithm: nil, offersProtection: false))
    let answer = challenge.answer(username: "u", password: "p", method: "GET", uri: "/", clientNonce: "c")
    #expect(!answer.contains("algorithm") && !answer.contains("opaque") && !answer.contains("qop"))
    #expect(self.challenge(in: "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"") == nil)
    #expect(self.challenge(in: "Basic realm=\"r\"") == nil)
  }

  @Test("The signed uri may be the absolute URL of the target")
  func absoluteURI() throws {
    let challenge = DigestChallenge(realm: "acs", nonce: "n")
    for (uri, target, expected) in [
      ("http://acs.example:7547/cwmp", "/cwmp", true), ("http://acs.example:7547", "/", true),
      ("/cwmp", "/other", false),
      ("http://acs.example/other", "/cwmp", false),
    ] {
      let answer = challenge.answer(username: "u", password: "p", method: "POST", uri: uri, clientNonce: "c")
      let proved = try digest(answer).proves(
        password: [0x70], method: Array("POST".utf8), target: Array(target.utf8))
      #expect(proved == expected, "\(uri) for \(target)")
    }
  }

  @Test("Sloppy but unambiguous headers are read: no quotes, odd blanks, upper case")
  func lenient() throws {
    let authorization = try digest(
      "  DIGEST  username=\"u\",realm=\"r\" ,nonce=abc/=+, uri=/cwmp,, "
        + "response=ABCDEF, QOP=\"auth\",nc=0000000A,cnonce=\"\""
    )
    #expect(authorization.nonce == Array("abc/=+".utf8))
    #expect(authorization.response == Array("abcdef".utf8))
    #expect(authorization.nonceCount == 10)
  }

  @Test(
    "What cannot be right is refused with its reason",
    arguments: [
      ("", AuthorizationHeader.Refusal.unknownScheme), ("Negotiate abc", .unknownScheme),
      ("Basic !!!", .malformedBasic), ("Basic bm9jb2xvbg==", .malformedBasic),
      ("Digest", .malformedDigest), ("Digest username=\"u", .malformedDigest),
      ("Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\"", .malformedDigest),
      ("Digest username=u, username=v, realm=r, nonce=n, uri=/, response=x", .malformedDigest),
      ("Digest username=u, realm=r, nonce=n, uri=/, response=x, qop=auth", .malformedDigest),
      ("Digest username=u, realm=r, nonce=n, uri=/, response=x, qop=auth, cnonce=c, nc=1", .malformedDigest),
      (
        "Digest username=u, realm=r, nonce=n, uri=/, response=x, qop=auth-int, cnonce=c, nc=00000001",
        .unsupportedDigest
      ),
      ("Digest username=u, realm=r, nonce=n, uri=/, response=x, algorithm=SHA-512", .unsupportedDigest),
      ("Basic " + String(repeating: "A", count: 4096), .tooLong),
    ])
  func refused(text: String, refusal: AuthorizationHeader.Refusal) {
    #expect(throws: refusal) { try parse(text) }
  }
}

@Suite("HTTP Basic")
struct HTTPBasicTests {
  @Test("Username ends at the first colon; the password may hold more; any bytes are taken")
  func parts() throws {
    let header = BasicAuthorization.headerValue(username: "00D09E-IGD-1", password: "a:b:ü")
    guard case .basic(let basic) = try AuthorizationHeader.parse(Array(header.utf8).span) else {
      Issue.record("no Basic")
      return
    }
    #expect(basic.username == Array("00D09E-IGD-1".utf8))
    #expect(basic.proves(password: Array("a:b:ü".utf8)))
    #expect(!basic.proves(password: Array("a:b".utf8)))
    #expect(!"\(basic)".contains("a:b"))
  }
}

@Suite("Nonces without memory (items 107, 108, quirk Q9)")
struct DigestNonceTests {
  private let keyring: ClusterKeyring

  init() throws {
    keyring = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 3, count: 32)))
  }

  @Test("A nonce of one gateway is fresh at any other, until its lifetime is over")
  func lifetime() {
    let nonce = Array(DigestNonces(keyring, realm: "r", lifetimeMilliseconds: 1000).issue(now: 50_000).utf8)
    let other = DigestNonces(keyring, realm: "r", lifetimeMilliseconds: 1000)
    #expect(nonce.count == 43)
    #expect(other.check(nonce, now: 50_000) == .fresh)
    #expect(other.check(nonce, now: 51_000) == .fresh)
    #expect(other.check(nonce, now: 51_001) == .stale)
    #expect(other.check(nonce, now: 40_000) == .stale)
  }

  @Test("A nonce of another realm, another cluster, or altered, is foreign")
  func foreign() throws {
    let nonces = DigestNonces(keyring, realm: "r")
    let nonce = Array(nonces.issue(now: 0).utf8)
    #expect(DigestNonces(keyring, realm: "s").check(nonce, now: 0) == .foreign)
    let elsewhere = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 4, count: 32)))
    #expect(DigestNonces(elsewhere, realm: "r").check(nonce, now: 0) == .foreign)
    for index in nonce.indices {
      var altered = nonce
      altered[index] = altered[index] == 0x41 ? 0x42 : 0x41
      #expect(nonces.check(altered, now: 0) == .foreign)
    }
    #expect(nonces.check([], now: 0) == .foreign)
  }

  @Test("No two are the same")
  func unique() {
    let nonces = DigestNonces(keyring, realm: "r")
    #expect(Set((0..<1000).map { _ in nonces.issue(now: 0) }).count == 1000)
  }
}

@Suite("Random tokens")
struct SecureRandomTests {
  @Test("Tokens have no characters that look alike and do not repeat")
  func tokens() {
    let tokens = (0..<200).map { _ in SecureRandom.token() }
    #expect(Set(tokens).count == 200)
    #expect(tokens.allSatisfy { $0.utf8.count == 22 && !$0.contains { "0Oo1lI".contains($0) } })
  }
}
