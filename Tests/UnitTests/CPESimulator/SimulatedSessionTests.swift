import CWMP
import Testing

@testable import CPESimulator

/// A CPE's session without I/O.
private struct Dialogue {
  var cpe: CPEState
  var plan: SessionPlan
  var core: SessionCore

  init(_ adjust: (inout CPEState, inout SessionPlan) -> Void = { _, _ in }) throws {
    cpe = try freshCPE()
    plan = SessionPlan(acs: cpe.environment.acs, models: [cpe.model], informParameters: 12)
    cpe.raise(.periodic)
    adjust(&cpe, &plan)
    core = SessionCore(cpe, plan: plan, now: 0)
  }

  mutating func begin() -> String { text(core.begin(&cpe, plan, now: 0)) }

  mutating func answer(_ status: Int, _ body: [UInt8] = [], challenges: [String] = []) -> SessionStep {
    var answer = SessionAnswer(status: status)
    answer.body = body
    answer.challenges = challenges
    if status == 200 { answer.cookies = ["session=1; Path=/"] }
    return core.answered(answer, &cpe, plan, now: 0)
  }

  func text(_ step: SessionStep) -> String {
    if case .post(let post) = step { String(decoding: post.bytes, as: UTF8.self) } else { "" }
  }

  static let informResponse = EnvelopeWriter(namespace: .cwmp12).response(.inform(maxEnvelopes: 1), id: Array("1".utf8))
}

private func end(_ step: SessionStep) -> SessionEnd? {
  if case .end(let end) = step { end } else { nil }
}

@Suite("A simulated CPE's session (TR-069 §3.7)")
struct SimulatedSessionTests {
  @Test("the rendered Inform is what the gateway's own parser reads: identity, events, parameters in their number")
  func inform() throws {
    var dialogue = try Dialogue()
    let request = dialogue.begin()
    let body = try #require(request.firstRange(of: "\r\n\r\n")).upperBound
    let envelope = try EnvelopeParser().parse(Array(request[body...].utf8))
    guard case .inform(let inform) = envelope.message else {
      Issue.record("no Inform")
      return
    }
    #expect(inform.deviceID == dialogue.cpe.identity.deviceID)
    #expect(inform.events.map(\.code) == [.periodic])
    #expect(inform.parameters.count == 12)
    #expect(
      inform.parameters.value(of: "Device.ManagementServer.ConnectionRequestURL") == "http://127.0.0.1:7000/00000001")
    #expect(envelope.notes.isEmpty)
    #expect(request.contains("Content-Length: \(request[body...].utf8.count)\r\n"))
  }

  @Test("InformResponse is followed by an empty POST with the cookie and without Content-Type, 204 ends it (item 6)")
  func trivial() throws {
    var dialogue = try Dialogue()
    _ = dialogue.begin()
    let empty = dialogue.text(dialogue.answer(200, Dialogue.informResponse))
    #expect(empty.contains("Cookie: session=1\r\n"))
    #expect(empty.hasSuffix("Content-Length: 0\r\n\r\n"))
    #expect(!empty.contains("Content-Type"))
    #expect(end(dialogue.answer(204)) == .completed)
    #expect(dialogue.core.report.acknowledgedAt != nil)
    #expect(dialogue.cpe.events.isEmpty)
  }

  @Test("taking an InformResponse on sight gives the same as parsing it")
  func trusted() throws {
    var dialogue = try Dialogue { $1.trustsInformResponses = true }
    _ = dialogue.begin()
    #expect(dialogue.text(dialogue.answer(200, Dialogue.informResponse)).hasSuffix("Content-Length: 0\r\n\r\n"))
    var refused = try Dialogue { $1.trustsInformResponses = true }
    _ = refused.begin()
    let fault = EnvelopeWriter(namespace: .cwmp12).fault(.retryRequest, id: nil)
    #expect(end(refused.answer(200, fault)) == .fault(code: 8005))
  }

  @Test("an Inform is not done by 204, an empty 200, or a request (item 59)")
  func outOfOrder() throws {
    for body in [[], EnvelopeWriter(namespace: .cwmp12).request(.factoryReset, id: "1")] as [[UInt8]] {
      var dialogue = try Dialogue()
      _ = dialogue.begin()
      guard case .malformed? = end(dialogue.answer(body.isEmpty ? 204 : 200, body)) else {
        Issue.record("not refused")
        return
      }
      #expect(dialogue.core.report.acknowledgedAt == nil)
      #expect(!dialogue.cpe.events.isEmpty)
    }
  }

  @Test("a Digest challenge is answered once; a second one is a refusal, a stale one is not (item 178)")
  func digest() throws {
    var dialogue = try Dialogue()
    #expect(!dialogue.begin().contains("Authorization"))
    let challenge = "Digest realm=\"acs\", nonce=\"n\", qop=\"auth\", algorithm=MD5"
    let again = dialogue.text(dialogue.answer(401, challenges: ["Basic realm=\"x\"", challenge]))
    #expect(again.contains("Authorization: Digest username=\"b\", realm=\"acs\", nonce=\"n\", uri=\"/acs\""))
    #expect(again.contains("<cwmp:Inform>"))
    #expect(dialogue.text(dialogue.answer(401, challenges: [challenge + ", stale=true"])).contains("nc=00000001"))
    #expect(end(dialogue.answer(401, challenges: [challenge])) == .unauthorized)
  }

  @Test("each RPC is answered with its own ID, unknown methods with 9000 (items 34, 65)")
  func rpcs() throws {
    var dialogue = try Dialogue()
    _ = dialogue.begin()
    _ = dialogue.answer(200, Dialogue.informResponse)
    let reboot = EnvelopeWriter(namespace: .cwmp12).request(.reboot(commandKey: "k"), id: "id-1")
    let response = dialogue.text(dialogue.answer(200, reboot))
    #expect(response.contains("id-1"))
    #expect(response.contains("RebootResponse"))
    let unknown = String(decoding: EnvelopeWriter(namespace: .cwmp12).request(.factoryReset, id: "id-2"), as: UTF8.self)
      .replacing("FactoryReset", with: "SetVouchers")
    #expect(dialogue.text(dialogue.answer(200, Array(unknown.utf8))).contains("<FaultCode>9000</FaultCode>"))
    #expect(end(dialogue.answer(204)) == .completed)
    #expect(dialogue.core.report.rpcs.map(\.method) == ["Reboot", "SetVouchers"])
    #expect(dialogue.core.report.rpcs[0].commandKey == "k")
  }

  @Test(
    "TransferComplete comes before the empty POST, again after 8005, and is given up after another fault (items 62, 76)"
  )
  func transfers() throws {
    var dialogue = try Dialogue { cpe, _ in
      cpe.transferEnded(TransferComplete(commandKey: "d"), newVersion: nil, now: 0)
    }
    _ = dialogue.begin()
    #expect(dialogue.text(dialogue.answer(200, Dialogue.informResponse)).contains("<cwmp:TransferComplete>"))
    let retry = EnvelopeWriter(namespace: .cwmp12).fault(.retryRequest, id: nil)
    #expect(dialogue.text(dialogue.answer(200, retry)).contains("<cwmp:TransferComplete>"))
    let denied = EnvelopeWriter(namespace: .cwmp12).fault(.requestDenied, id: nil)
    #expect(dialogue.text(dialogue.answer(200, denied)).hasSuffix("Content-Length: 0\r\n\r\n"))
    #expect(dialogue.cpe.events.isEmpty)
  }

  @Test("503 ends the session with what Retry-After said")
  func refused() throws {
    var dialogue = try Dialogue()
    _ = dialogue.begin()
    var answer = SessionAnswer(status: 503)
    answer.retryAfter = 7
    #expect(
      end(dialogue.core.answered(answer, &dialogue.cpe, dialogue.plan, now: 0)) == .refused(status: 503, retryAfter: 7))
  }

  @Test("cookies: by name, the last one counts; simple CPEs keep the first and begin the next session with it")
  func cookies() {
    var jar = CookieJar([], stale: "old=1")
    #expect(jar.header == nil)
    jar.take(["a=1; Path=/", "b=2"])
    jar.take(["a=3"])
    #expect(jar.header == "b=2; a=3")
    var simple = CookieJar(.keepsFirstCookie, stale: "old=1")
    #expect(simple.header == "old=1")
    simple.take(["a=1; Path=/", "b=2"])
    simple.take(["a=3"])
    #expect(simple.header == "a=1")
    var none = CookieJar(.returnsNoCookie, stale: nil)
    none.take(["a=1"])
    #expect(none.header == nil)
  }
}
