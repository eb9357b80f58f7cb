import CWMP
import Cryptography
import EventLog
import Fleet

@testable import Gateway
@testable import SessionWorker

/// A CPE as TR-069 has them: keeps its events until an InformResponse and its requests until the answer, retries with
/// back-off, restarts when told to, does what it is asked. It may vanish in mid-session, repeat an empty POST on a new
/// connection, refuse an RPC, lose its ID, lose its power, and send what crashes its reader.
final class SimulatedCPE {
  /// What it was asked and did.
  struct Execution {
    var key: CommandKey
    var at: Int64
    /// The database's time then, or a later one that it had before.
    var latest: Int64
    var life: Int
  }

  struct Restart {
    var at: Int64
    var isReset = false
    /// In which sessions its BOOT was told, as far as anybody knows, and in which one that was acknowledged.
    var sessions: [UUID128] = []
    var acknowledged: UUID128?
    /// When it was told last.
    var toldAt: Int64 = 0
  }

  /// A request of its own, with the events that announce it.
  struct Report {
    var request: CPERequest
    var events: [EventStruct]
  }

  let number: Int
  let device: UUID128
  /// Its values and objects.
  var model = SimulatedDevice()
  /// What it authenticates with: nil is the shared credential.
  var password: String?
  /// Sessions whose Inform was answered.
  private(set) var acknowledged: [UUID128] = []
  /// Requests that were answered, with their sessions.
  private(set) var reported: [(session: UUID128, request: CPERequest)] = []
  private(set) var executed: [Execution] = []
  /// Attempts that it answered with a fault, whose transfer failed, and that a restart cut short.
  private(set) var refused: Set<CommandKey> = []
  var undone: Set<CommandKey> = []
  var cutShort: Set<CommandKey> = []
  var restarts: [Restart] = []
  /// When its diagnostics ended.
  var diagnosed: [Int64] = []
  unowned let simulation: Simulation
  private let id: DeviceID
  private let parser = EnvelopeParser(side: .cpe)
  private let writer = CPEEnvelopeWriter()
  private var events: [EventStruct] = []
  private var reports: [Report] = []
  /// What it does once it is out of its session.
  var plans: [(SimulatedDevice.Consequence, key: CommandKey)] = []
  /// Diagnostics under way.
  var diagnosing: CommandKey?
  private var retries: UInt32 = 0
  /// Goes up with each session: what belongs to an older one is ignored.
  private var attempt = 0
  /// Goes up with each POST and with each answer.
  private var posts = 0
  private(set) var isInSession = false
  private(set) var isDown = false
  /// Tasks that waited when the session began, in calm: its end must not leave them.
  private var expected: [UUID128] = []

  init(_ simulation: Simulation, number: Int) {
    self.simulation = simulation
    self.number = number
    id = DeviceID(manufacturer: "Simulated", oui: "00D09E", productClass: "Box", serialNumber: "S\(number)")
    device = id.id
  }

  func value(_ path: String) -> String? { model.values[path] }

  /// What stands in each of its Informs.
  var informed: [String] {
    [SimulatedDevice.version, SimulatedDevice.code, SimulatedDevice.key]
      + (number % 2 == 1 ? [SimulatedDevice.diagnostics] : [])
  }

  func raise(_ event: EventStruct) {
    if !events.contains(event) { events.append(event) }
  }

  /// Has something to tell, at once where it can.
  func tell(_ event: EventStruct) {
    raise(event)
    if !isInSession { begin() }
  }

  func report(_ report: Report) {
    reports.append(report)
    for event in report.events { raise(event) }
  }

  /// What it was to report is gone.
  func forgetReports() {
    for report in reports {
      if case .transferComplete(let transfer) = report.request, let key = CommandKey(text: transfer.commandKey.utf8) {
        cutShort.insert(key)
      }
    }
    reports = []
  }

  func connectionRequest() {
    guard !isInSession else { return }
    simulation.after(simulation.between(1_000, 500_000)) { [self] in
      if !isInSession { tell(EventStruct(.connectionRequest)) }
    }
  }

  // MARK: - Sessions

  func begin() {
    isInSession = true
    attempt += 1
    let parameters = informed.map { ParameterValue($0, model.values[$0] ?? "") }
    let inform = Inform(
      deviceID: id, events: events, retryCount: retries, parameters: ParameterList(parameters))
    let sent = events
    let boot = sent.contains { $0.code == .boot } ? restarts.count - 1 : nil
    if let boot { restarts[boot].toldAt = simulation.now }
    expected = simulation.isSettled ? waiting : []
    simulation.note("cpe \(number) informs \(sent.map(\.code.description)) retry \(retries)")
    if retries > 0 { simulation.saw(.informTriedAgain) }
    let body = writer.inform(inform, id: "1")
    let began = { [self] (session: UUID128) in if let boot { restarts[boot].sessions.append(session) } }
    let reply = waits { [self] reply in
      guard let (answer, post) = reply, answer == .informed, let post else { return fail() }
      acknowledged.append(post.session)
      if let boot { restarts[boot].acknowledged = post.session }
      let kept = reports.flatMap(\.events)
      events.removeAll { sent.contains($0) && !kept.contains($0) }
      retries = 0
      tellReports(post)
    }
    gateway.inform(
      device, password, body, inform, isPoison: simulation.fault(0.3, .poisonousInform), began, reply)
  }

  private var gateway: SimulatedGateway { simulation.pick(simulation.gateways) }

  /// A CPE waits at least 30 s for an answer. What comes later, or to an older session, is ignored.
  private func waits(
    _ take: @escaping (SimulatedGateway.Reply) -> Void
  ) -> (SimulatedGateway.Reply) -> Void {
    posts += 1
    let (attempt, number) = (attempt, posts)
    simulation.after(31 * Simulation.second) { [self] in
      if attempt == self.attempt, number == posts { fail() }
    }
    return { [self] reply in
      guard attempt == self.attempt, number == posts else { return }
      posts += 1
      take(reply)
    }
  }

  /// Tells of its transfers, one after another, then asks what is wanted.
  private func tellReports(_ post: SessionCore.Post) {
    guard let report = reports.first else { return ask(post) }
    if simulation.fault(2) { return vanish() }
    simulation.saw(report.request)
    gateway.request(
      post, writer.request(report.request, id: "T"),
      waits { [self] reply in
        guard let (answer, _) = reply, answer == .requestTaken else { return refuses(reply) }
        reported.append((post.session, report.request))
        reports.removeFirst()
        let kept = reports.flatMap(\.events)
        events.removeAll { report.events.contains($0) && !kept.contains($0) }
        tellReports(post)
      })
  }

  private func ask(_ post: SessionCore.Post) {
    if simulation.fault(2) { return vanish() }
    guard simulation.fault(3, .postRepeated) else { return gateway.empty(post, waits { [self] in take($0, post) }) }
    // The first connection is given up and the same POST sent on a new one.
    gateway.empty(post) { _ in }
    let attempt = attempt
    simulation.after(simulation.between(1_000, 400_000)) { [self] in
      if attempt == self.attempt { gateway.empty(post, waits { [self] in take($0, post) }) }
    }
  }

  private func take(_ reply: SimulatedGateway.Reply, _ post: SessionCore.Post) {
    guard let (answer, _) = reply else { return fail() }
    switch answer {
    case .nothing: end()
    case .rpc(let body): execute(body, post)
    default: refuses(reply)
    }
  }

  /// P8: what continues an admitted session is never refused for overload.
  private func refuses(_ reply: SimulatedGateway.Reply) {
    if let reply, reply.0 == .unavailable {
      simulation.violated(.p8, "a POST in cpe \(number)'s admitted session was answered 503")
    }
    fail()
  }

  private func execute(_ body: [UInt8], _ post: SessionCore.Post) {
    guard let envelope = try? parser.parse(body), case .acsRequest(let request) = envelope.message,
      let key = envelope.id.flatMap({ CommandKey(text: $0) })
    else { return simulation.violated(.p3, "cpe \(number) cannot read an RPC") }
    let isOfOperator = simulation.database.contents.tasks[key.task] != nil
    if isOfOperator, simulation.fault(4, .rpcRefused) {
      return refuse(CWMPFault(code: simulation.pick([9002, 9001, 9003]), string: "No"), key, envelope, post)
    }
    let (answer, consequences) = model.perform(request)
    guard case .response(let response) = answer else {
      if case .fault(let fault) = answer { refuse(fault, key, envelope, post) }
      return
    }
    executed.append(
      Execution(key: key, at: simulation.now, latest: simulation.database.latestTime, life: model.life))
    simulation.note("cpe \(number) executes \(request.method.rawValue) \(key.text)")
    simulation.saw(request)
    plans += consequences.map { ($0, key) }
    if simulation.fault(consequences.isEmpty ? 3 : 10) { return vanish() }
    let keepsID = !simulation.fault(2, .idLost)
    self.answer(writer.response(response, id: keepsID ? envelope.id : nil), keepsID ? key : nil, post)
  }

  private func refuse(_ fault: CWMPFault, _ key: CommandKey, _ envelope: Envelope, _ post: SessionCore.Post) {
    simulation.note("cpe \(number) refuses \(key.text): \(fault)")
    refused.insert(key)
    answer(writer.fault(fault, id: envelope.id), key, post)
  }

  private func answer(_ body: [UInt8], _ key: CommandKey?, _ post: SessionCore.Post) {
    let then = waits { [self] in take($0, post) }
    if simulation.fault(1, .bodyRefused) { return gateway.refused(post, then) }
    let id = Array((key?.text ?? "").utf8)
    let isPoison = simulation.fault(0.3, .poisonousResponse)
    // As an empty POST. What has no ID and comes twice could be the answer to what was sent in between: nothing tells
    // them apart (docs/session.md).
    guard key != nil, simulation.fault(3, .responseRepeated) else {
      return gateway.response(post, id, body, isPoison: isPoison, then)
    }
    gateway.response(post, id, body, isPoison: isPoison) { _ in }
    let attempt = attempt
    simulation.after(simulation.between(1_000, 400_000)) { [self] in
      if attempt == self.attempt { gateway.response(post, id, body, isPoison: isPoison, then) }
    }
  }

  // MARK: - Ends

  /// Tasks that wait for this device's next session.
  private var waiting: [UUID128] {
    let database = simulation.database!
    return (database.contents.states[device]?.tasks ?? []).filter {
      $0.state == .queued && $0.notBefore <= database.now && $0.dependsOn == nil && $0.deadline > database.now
        && database.contents.tasks[$0.id] != nil
    }.map(\.id)
  }

  private func end() {
    isInSession = false
    // P6, and the reason why there are sessions at all.
    let left = Set(waiting).intersection(expected)
    if let task = left.min() {
      simulation.violated(.p6, "cpe \(number) was sent home though \(task.base64URL) waits for it")
    }
    let kept = reports.flatMap(\.events)
    if doWhatIsPlanned() || events.allSatisfy({ kept.contains($0) }) { return }
    begin()
  }

  private func fail() {
    isInSession = false
    attempt += 1
    // Some try the session that broke once more before they restart.
    let wait = simulation.between(5_000_000, 10_000_000) << Int64(min(retries + 1, 3))
    retries += 1
    if !plans.isEmpty, simulation.fault(30, .retriedBeforePlans) { return later(wait) }
    if !doWhatIsPlanned() { later(wait) }
  }

  /// Begins a session after a while, unless another one began meanwhile.
  private func later(_ wait: Int64) {
    let attempt = attempt
    simulation.after(wait) { [self] in if attempt == self.attempt, !isInSession { begin() } }
  }

  /// Stops in mid-session and is back much later.
  private func vanish() {
    simulation.note("cpe \(number) vanishes")
    simulation.saw(.cpeVanishes)
    attempt += 1
    let attempt = attempt
    simulation.after(simulation.between(1_000_000, 90_000_000)) { [self] in
      guard attempt == self.attempt else { return }
      isInSession = false
      // Some come once more before they restart; where nobody's clock can tell how soon, that would prove too much.
      if !simulation.jumps, !plans.isEmpty, simulation.fault(30, .informsBeforePlans) { return begin() }
      if !doWhatIsPlanned() { begin() }
    }
  }

  /// Whatever it was in is over; until it is ``up(with:)`` again nobody reaches it.
  func goesDown() {
    attempt += 1
    isInSession = true
    isDown = true
    retries = 0
  }

  /// - Parameter forgets: whether it has forgotten what it had to tell before.
  func isUp(with news: [EventStruct], forgets: Bool) {
    isDown = false
    if forgets { events = [] }
    for event in news { raise(event) }
    begin()
  }
}
