import CWMP
import Glibc

/// One session of a CPE as a state machine without I/O (TR-069 §3.7): it is told what came and says what to send.
struct SessionCore: Sendable {
  private enum Phase: Sendable {
    case informing
    /// A TransferComplete is out.
    case reporting(attempt: Int)
    /// An empty POST or an answer to an RPC is out.
    case listening
  }

  private(set) var report: SessionReport
  private var phase = Phase.informing
  private var authorization: SessionAuthorization
  private var cookies: CookieJar
  /// The last envelope, for a challenge that makes it go out again.
  private var body: [UInt8] = []
  private var isLate = false
  private var hasRestarted = false

  /// How many of a misbehaving CPE's chances it takes.
  private static let misbehaviourChance = 0.2

  init(_ cpe: CPEState, plan: SessionPlan, now: Int64) {
    report = SessionReport(index: cpe.identity.index, events: cpe.events, retryCount: cpe.retryCount, startedAt: now)
    authorization = SessionAuthorization(cpe.credentials, basicAtOnce: plan.sendsBasicAtOnce)
    cookies = CookieJar(cpe.misbehaviours, stale: cpe.oldCookie)
  }

  /// The Inform.
  mutating func begin(_ cpe: inout CPEState, _ plan: SessionPlan, now: Int64) -> SessionStep {
    phase = .informing
    body.removeAll(keepingCapacity: true)
    plan.templates[ObjectIdentifier(cpe.model)]?.render(
      cpe, events: report.events, id: "\(now)", now: now, into: &body)
    return .post(post(plan, &cpe))
  }

  /// A response has come.
  mutating func answered(
    _ answer: SessionAnswer, _ cpe: inout CPEState, _ plan: SessionPlan, now: Int64
  ) -> SessionStep {
    if !answer.cookies.isEmpty {
      cookies.take(answer.cookies)
      if cpe.misbehaviours.contains(.keepsFirstCookie) { cpe.oldCookie = cookies.header }
    }
    switch answer.status {
    case 200 where !answer.body.isEmpty: return received(answer.body, &cpe, plan, now: now)
    case 200, 204: return receivedNothing()
    case 401:
      guard authorization.challenged(answer.challenges) else { return .end(.unauthorized) }
      var again = post(plan, &cpe)
      again.onNewConnection = again.onNewConnection || !answer.keepsAlive
      return .post(again)
    default: return .end(.refused(status: answer.status, retryAfter: answer.retryAfter))
    }
  }

  // MARK: - What came

  private func receivedNothing() -> SessionStep {
    guard case .listening = phase else { return .end(.malformed("an empty answer to a request")) }
    return .end(.completed)
  }

  private mutating func received(
    _ bytes: [UInt8], _ cpe: inout CPEState, _ plan: SessionPlan, now: Int64
  ) -> SessionStep {
    if case .informing = phase, plan.trustsInformResponses, bytes.holds(":InformResponse>") {
      return informAcknowledged(&cpe, plan, now: now)
    }
    let envelope: Envelope
    do {
      envelope = try plan.parser.parse(bytes)
    } catch {
      return .end(.malformed(error.description))
    }
    switch (phase, envelope.message) {
    case (.informing, .acsResponse(.inform)): return informAcknowledged(&cpe, plan, now: now)
    case (.informing, .fault(let fault)): return .end(.fault(code: fault.code))
    case (.reporting, .acsResponse(.transferComplete)):
      report.toldTransfers.append(cpe.transfers[0].commandKey)
      cpe.transferDelivered()
      return afterInform(&cpe, plan, now: now)
    case (.reporting(let attempt), .fault(let fault)): return reportRefused(fault, attempt, &cpe, plan, now: now)
    case (.listening, .acsRequest(let request)): return execute(request, envelope, &cpe, plan, now: now)
    case (.listening, .unknownACSRequest(let method)): return refuse(method, envelope, &cpe, plan)
    case (.listening, .fault(let fault)): return .end(.fault(code: fault.code))
    default: return .end(.malformed("\(envelope.method) out of order"))
    }
  }

  private mutating func informAcknowledged(
    _ cpe: inout CPEState, _ plan: SessionPlan, now: Int64
  ) -> SessionStep {
    report.acknowledgedAt = now
    cpe.informDelivered()
    return afterInform(&cpe, plan, now: now)
  }

  /// The CPE's own requests first, then the ACS's turn (items 62 and 63).
  private mutating func afterInform(_ cpe: inout CPEState, _ plan: SessionPlan, now: Int64) -> SessionStep {
    if let step = misbehave(&cpe, plan, now: now) { return step }
    if cpe.transfers.isEmpty { return listen(&cpe, plan) }
    return tellTransfer(&cpe, plan, attempt: 1, now: now)
  }

  private mutating func tellTransfer(
    _ cpe: inout CPEState, _ plan: SessionPlan, attempt: Int, now: Int64
  ) -> SessionStep {
    phase = .reporting(attempt: attempt)
    body = plan.writer.request(.transferComplete(cpe.transfers[0]), id: "\(now)t")
    return .post(post(plan, &cpe))
  }

  /// 8005 asks for the same again; any other fault makes the CPE give up (item 76, Q58).
  private mutating func reportRefused(
    _ fault: CWMPFault, _ attempt: Int, _ cpe: inout CPEState, _ plan: SessionPlan, now: Int64
  ) -> SessionStep {
    if fault.code == 8005, attempt < 4 { return tellTransfer(&cpe, plan, attempt: attempt + 1, now: now) }
    guard fault.code != 8005 else { return .end(.fault(code: fault.code)) }
    cpe.transferDelivered()
    return afterInform(&cpe, plan, now: now)
  }

  private mutating func listen(_ cpe: inout CPEState, _ plan: SessionPlan) -> SessionStep {
    phase = .listening
    body = []
    var empty = post(plan, &cpe)
    empty.isSentTwice = cpe.misbehaviours.contains(.repeatsEmptyPosts) && chance(&cpe)
    return .post(empty)
  }

  private mutating func execute(
    _ request: CWMPRequest, _ envelope: Envelope, _ cpe: inout CPEState, _ plan: SessionPlan, now: Int64
  ) -> SessionStep {
    var executed = ExecutedRPC(method: request.method.rawValue, id: envelope.idText ?? "")
    executed.commandKey = request.commandKey
    var writer = plan.writer
    writer.namespace = envelope.namespace
    switch cpe.execute(request, now: now) {
    case .response(let response):
      switch (request, response) {
      case (.setParameterValues(let values, _), _): executed.values = cpe.publicValues(values)
      case (.addObject(let path, _), .addObject(let number, _)): executed.object = "\(path)\(number)."
      case (.deleteObject(let path, _), _): executed.object = path
      default: break
      }
      body = writer.response(response, id: envelope.id)
    case .fault(let fault):
      executed.fault = fault.code
      body = writer.fault(fault, id: envelope.id)
    }
    report.rpcs.append(executed)
    return respond(&cpe, plan, now: now)
  }

  private mutating func refuse(
    _ method: String, _ envelope: Envelope, _ cpe: inout CPEState, _ plan: SessionPlan
  ) -> SessionStep {
    report.rpcs.append(ExecutedRPC(method: method, id: envelope.idText ?? "", fault: 9000))
    body = plan.writer.fault(CWMPFault(code: 9000, string: "Method not supported"), id: envelope.id)
    return .post(post(plan, &cpe))
  }

  private mutating func respond(_ cpe: inout CPEState, _ plan: SessionPlan, now: Int64) -> SessionStep {
    if let step = misbehave(&cpe, plan, now: now) { return step }
    var response = post(plan, &cpe)
    if cpe.misbehaviours.contains(.answersLate) {
      response.delayMilliseconds = Int.random(in: 0...plan.lateMilliseconds, using: &cpe.random)
    }
    return .post(response)
  }

  // MARK: - What goes out

  private mutating func post(_ plan: SessionPlan, _ cpe: inout CPEState) -> SessionPost {
    let isFirst = report.posts == 0
    report.posts += 1
    let bytes = plan.head.request(
      body: body, cookie: cookies.header, authorization: authorization.header(target: plan.head.target))
    var post = SessionPost(bytes: bytes)
    guard !cpe.misbehaviours.isEmpty else { return post }
    post.onNewConnection = !isFirst && cpe.misbehaviours.contains(.reconnectsAlways)
    if cpe.misbehaviours.contains(.dropsConnections), chance(&cpe) {
      post.cutAt = Int.random(in: 0...bytes.count, using: &cpe.random)
    }
    return post
  }

  private func chance(_ cpe: inout CPEState) -> Bool { cpe.random.chance(Self.misbehaviourChance) }

  /// A CPE that falls silent, or begins anew, in the middle.
  private mutating func misbehave(_ cpe: inout CPEState, _ plan: SessionPlan, now: Int64) -> SessionStep? {
    guard !cpe.misbehaviours.isEmpty else { return nil }
    if cpe.misbehaviours.contains(.stopsMidSession), chance(&cpe) { return .end(.misbehaved) }
    guard cpe.misbehaviours.contains(.restartsMidSession), !hasRestarted, chance(&cpe) else { return nil }
    hasRestarted = true
    cookies = CookieJar(cpe.misbehaviours, stale: cpe.oldCookie)
    guard case .post(var inform) = begin(&cpe, plan, now: now) else { return nil }
    inform.onNewConnection = true
    return .post(inform)
  }
}

extension CWMPRequest {
  var commandKey: String {
    switch self {
    case .reboot(let key), .scheduleInform(_, let key): key
    case .download(let arguments): arguments.commandKey
    case .upload(let arguments): arguments.commandKey
    default: ""
    }
  }
}

extension CPEState {
  /// What may be shown of values that were set, without anything of credentials: the server keeps those elsewhere.
  func publicValues(_ values: [ParameterValue]) -> [String: String] {
    var shown: [String: String] = [:]
    for value in values {
      guard let address = model.address(of: value.name), model.node(address).parameter?.isHidden == false,
        address != model.known.username, address != model.known.connectionRequestUsername
      else { continue }
      shown[value.name] = data.values[address] ?? value.value
    }
    return shown
  }
}

extension [UInt8] {
  func holds(_ text: StaticString) -> Bool {
    withUnsafeBytes { bytes in
      guard var place = bytes.baseAddress, text.utf8CodeUnitCount > 0 else { return false }
      let end = place + bytes.count
      while let found = memchr(place, CInt(text.utf8Start.pointee), end - place) {
        guard end - UnsafeRawPointer(found) >= text.utf8CodeUnitCount else { return false }
        if memcmp(found, text.utf8Start, text.utf8CodeUnitCount) == 0 { return true }
        place = UnsafeRawPointer(found) + 1
      }
      return false
    }
  }
}
