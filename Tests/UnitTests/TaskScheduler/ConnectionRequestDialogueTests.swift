import Cryptography
import Testing

@testable import TaskScheduler

struct ConnectionRequestDialogueTests {
  private let challenge = #"Digest realm="CPE", nonce="abc", qop="auth", algorithm=MD5"#

  private func dialogue(_ passwords: [String] = ["secret"]) -> ConnectionRequestDialogue {
    ConnectionRequestDialogue(path: "/cr?x=1", username: "acs", passwords: passwords)
  }

  private func authorization(_ step: ConnectionRequestDialogue.Step) -> String? {
    if case .get(let authorization, _) = step { return authorization }
    return nil
  }

  private func reason(_ step: ConnectionRequestDialogue.Step) -> String? {
    if case .end(.failed(let reason)) = step { return reason }
    return nil
  }

  @Test func `the first GET shows no credentials`() {
    #expect(dialogue().first == .get(authorization: nil, anew: false))
  }

  @Test(arguments: [200, 204])
  func `200 and 204 are success (item 180)`(_ status: Int) {
    var dialogue = dialogue()
    #expect(dialogue.after(.response(status: status, challenge: nil)) == .end(.asked))
  }

  @Test func `a Digest challenge is answered for path and query (item 178)`() throws {
    var dialogue = dialogue()
    let answer = try #require(authorization(dialogue.after(.response(status: 401, challenge: challenge))))
    #expect(answer.hasPrefix("Digest "))
    #expect(answer.contains(#"uri="/cr?x=1""#))
    #expect(answer.contains("qop=auth"))
    #expect(!answer.contains("secret"))
    #expect(dialogue.after(.response(status: 200, challenge: nil)) == .end(.asked))
  }

  @Test func `a challenge without qop gets none back (quirk Q49)`() throws {
    var dialogue = dialogue()
    let plain = #"Digest realm="TR069 Client", nonce="n""#
    let answer = try #require(authorization(dialogue.after(.response(status: 401, challenge: plain))))
    #expect(!answer.contains("qop") && !answer.contains("nc=") && !answer.contains("cnonce"))
    #expect(!answer.contains("algorithm") && !answer.contains("opaque"))
  }

  @Test(arguments: [#"Basic realm="CPE""#, nil])
  func `Basic is never answered (item 179)`(_ challenge: String?) {
    var dialogue = dialogue()
    #expect(reason(dialogue.after(.response(status: 401, challenge: challenge)))?.contains("Basic") == true)
  }

  @Test func `401 after credentials means that they are wrong (item 181)`() {
    var dialogue = dialogue()
    _ = dialogue.after(.response(status: 401, challenge: challenge))
    #expect(reason(dialogue.after(.response(status: 401, challenge: challenge))) == "401: wrong credentials")
  }

  @Test func `a password that was sent and not confirmed is tried second`() {
    var dialogue = dialogue(["old", "new"])
    #expect(authorization(dialogue.after(.response(status: 401, challenge: challenge))) != nil)
    #expect(authorization(dialogue.after(.response(status: 401, challenge: challenge))) != nil)
    #expect(reason(dialogue.after(.response(status: 401, challenge: challenge))) == "401: wrong credentials")
  }

  @Test func `a nonce that has aged is answered anew, once`() {
    var dialogue = dialogue()
    let stale = challenge + ", stale=true"
    #expect(authorization(dialogue.after(.response(status: 401, challenge: challenge))) != nil)
    #expect(authorization(dialogue.after(.response(status: 401, challenge: stale))) != nil)
    #expect(reason(dialogue.after(.response(status: 401, challenge: stale))) != nil)
  }

  @Test func `a CPE that closes after its challenge is asked once more on a new connection (item 182, quirk Q48)`() {
    var dialogue = dialogue()
    _ = dialogue.after(.response(status: 401, challenge: challenge))
    #expect(dialogue.after(.closed("reset")) == .get(authorization: nil, anew: true))
    #expect(authorization(dialogue.after(.response(status: 401, challenge: challenge))) != nil)
    #expect(dialogue.after(.closed("reset")) == .end(.failed("reset")))
  }

  @Test func `one that closes before any challenge is not asked again at once`() {
    var dialogue = dialogue()
    #expect(dialogue.after(.closed("refused")) == .end(.failed("refused")))
  }

  @Test(arguments: [(503, "busy"), (302, "redirects"), (404, "404"), (500, "500")])
  func `other answers fail with their reason (items 181 and 188, quirk Q60)`(_ status: Int, _ word: String) {
    var dialogue = dialogue()
    #expect(reason(dialogue.after(.response(status: status, challenge: nil)))?.contains(word) == true)
  }

  @Test func `without credentials a challenge cannot be answered`() {
    var dialogue = dialogue([])
    #expect(reason(dialogue.after(.response(status: 401, challenge: challenge)))?.contains("no credentials") == true)
  }
}
