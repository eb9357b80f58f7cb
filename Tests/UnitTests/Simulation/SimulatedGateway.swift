import CWMP
import Cryptography
import EventLog
import Fleet

@testable import Gateway
@testable import SessionWorker

/// A gateway around the real session core and admission. It may die at any time; a new instance takes its place.
final class SimulatedGateway {
  /// What a CPE gets back; nil is a connection that broke.
  typealias Reply = (SessionCore.Answer, SessionCore.Post?)?

  /// An exchange that has no answer yet.
  private struct Exchange {
    var post: SessionCore.Post
    var isAdmitted: Bool
    var reply: (Reply) -> Void
  }

  /// No POST may be held longer (docs/architecture.md, section 1).
  private static let patience = 10 * Simulation.second + 500_000
  private static var budget: Admission.Budget {
    var budget = Admission.Budget()
    budget.informs = 10
    return budget
  }

  let number: Int
  let process: SimulatedProcess
  /// How far its clock is ahead of the database's.
  var skew: Int64 = 0
  private unowned let simulation: Simulation
  private var instance = UUID128.zero
  private var core: SessionCore
  private var admission = Admission(SimulatedGateway.budget, seed: 1)
  private var exchanges: [UInt64: Exchange] = [:]
  private var count: UInt64 = 0
  private var crowd = 0
  private var ranges = PartitionRanges(count: SimulatedLog.partitions)
  private var restoreCount: Int32 = 0
  private var looksAt: Int64 = 0
  private var timer: (number: Int, at: Int64)?
  private var timers = 0
  /// Sessions whose Inform it served itself; only for a planted bug.
  private var own: Set<UUID128> = []
  /// What ``CredentialCache`` keeps of devices.
  private var credentials: [UUID128: CredentialRow] = [:]

  init(_ simulation: Simulation, number: Int) {
    self.simulation = simulation
    self.number = number
    process = SimulatedProcess(simulation, "gateway \(number)")
    core = SessionCore(instance: .zero, loop: 0, replyPartition: Int32(number))
    begin()
  }

  private func begin() {
    instance = UUID128(high: simulation.random.next(), low: UInt64(number))
    var deadlines = SessionCore.Deadlines()
    if simulation.bug == .holdsPosts { deadlines.directive = 12 * Simulation.second }
    core = SessionCore(instance: instance, loop: 0, replyPartition: Int32(number), deadlines: deadlines)
    admission = Admission(Self.budget, seed: 1)
  }

  /// The ranges of partitions, looked at every ten seconds; sometimes it does not hear of them for longer.
  private func learntRanges() -> PartitionRanges {
    if simulation.now >= looksAt, process.reaches(.postgreSQL) {
      ranges = simulation.database.contents.ranges
      restoreCount = simulation.database.contents.restoreCount
      looksAt = simulation.now + (simulation.fault(5) ? 60 : 10) * Simulation.second
    }
    return ranges
  }

  /// The database's clock as it knows it.
  private var now: Int64 { simulation.database.now + skew }

  // MARK: - Faults

  /// kill -9: what was held is gone without a word.
  func die(_ why: String = "") {
    process.kill(why)
    if !exchanges.isEmpty { simulation.saw(.gatewayDiesWithPosts) }
    looksAt = 0
    let broken = exchanges.sorted { $0.key < $1.key }.map(\.value.reply)
    exchanges = [:]
    own = []
    credentials = [:]
    crowd = 0
    timer = nil
    begin()
    for reply in broken { reply(nil) }
  }

  func stop(_ duration: Int64) {
    process.stop(for: duration, exchanges.isEmpty ? .gatewayStops : .gatewayStopsWithPosts)
  }

  /// It cannot reach the log, and what was told it meanwhile it has missed.
  func isCutOffFromLog(_ duration: Int64) {
    process.isCutOff(from: .log, for: duration)
    simulation.saw(.gatewayWithoutLog)
    process.after(duration) { [self] in
      let missed = core.askAgain()
      if !missed.isEmpty { simulation.saw(.postsAskedForAnew) }
      perform(missed)
    }
  }

  /// Its machine's clock is set, and set right again after a while.
  func clockJumps(_ duration: Int64) {
    let jump = simulation.pick([simulation.between(1, 16), simulation.between(20, 7200)])
    skew = (simulation.chance(50) ? jump : -jump) * Simulation.second
    simulation.note("gateway \(number)'s clock jumps to \(skew / Simulation.second) s")
    simulation.saw(skew > 0 ? .gatewayClockAhead : .gatewayClockBehind)
    simulation.after(duration) { [self] in skew = 0 }
  }

  /// Informs of routine come in at once, as many as it admits, and stay in flight for a while.
  func isCrowded(_ duration: Int64) {
    while crowd < 20, admit(.routine, "crowd") { crowd += 1 }
    simulation.note("gateway \(number) is crowded: \(crowd) Informs for \(duration / 1000) ms")
    simulation.saw(.gatewayCrowded)
    process.after(duration) { [self] in
      for _ in 0..<crowd { admission.done(after: 0, now: now) }
      crowd = 0
    }
  }

  /// P8: what is urgent finds room while routine work fills its own share.
  private func admit(_ kind: SessionClass, _ who: String) -> Bool {
    let asked = simulation.bug == .blindToClass ? .urgent : kind
    if admission.admit(asked) { return true }
    if who != "crowd" { simulation.saw(.informRefusedForOverload) }
    let inFlight = crowd + exchanges.values.count { $0.isAdmitted }
    if kind == .urgent, inFlight - crowd < Self.budget.informs * 3 / 10 {
      simulation.violated(.p8, "an urgent Inform of \(who) was refused, \(crowd) of \(inFlight) in flight are routine")
    }
    return false
  }

  // MARK: - From CPEs

  // The core goes by the steady time of the simulation, ids and what workers are told by the database's clock.

  /// - Parameter began: told the session's id, which the CPE itself learns with the answer only.
  func inform(
    _ device: UUID128, _ password: String?, _ body: [UInt8], _ inform: Inform, isPoison: Bool,
    _ began: @escaping (UUID128) -> Void, _ reply: @escaping (Reply) -> Void
  ) {
    process.enter { [self] in
      if simulation.fault(1) { die() }
      guard let proof = authenticate(device, password) else { return reply((.unavailable, nil)) }
      let session = UUID128(
        high: UInt64(now / 1000) << 16 | 0x7000, low: 0x8000_0000_0000_0000 | simulation.random.next() >> 2)
      var message = CPEMessage(.inform, device: device, session: session)
      (message.authentication, message.pendingMark) = proof
      message.retryCount = inform.retryCount
      message.events = inform.events.map { .init(code: $0.code.description, commandKey: $0.commandKey) }
      message.digest = SHA256.hash(simulation.bug == .ignoresDigest ? device.bytes : digested(inform)).bytes
      message.body = body
      message.namespaceMinor = 2
      if isPoison { message.peer = "poison" }
      let kind = SessionClass(message.events)
      guard admit(kind, simulation.name(device)) else { return reply((.unavailable, nil)) }
      message.waits = admission.waits(kind, latency: core.latency.expected(now: simulation.now), now: now)
      if !message.waits { simulation.saw(.sessionWithoutWait) }
      own.insert(session)
      began(session)
      let post = SessionCore.Post(device: device, session: session, waits: message.waits)
      start(post, isAdmitted: true, reply) { core, id, now in core.inform(id, message, now: now) }
    }
  }

  /// What a claim comes to, as ``CWMPHandler`` and ``CWMPPost`` have it; nil for 401, and for 503 while PostgreSQL is
  /// away and the cache does not know.
  /// - Parameter password: nil is the shared credential.
  /// - Returns: how it is proved, and the mark of a pending password.
  private func authenticate(_ device: UUID128, _ password: String?) -> (CPEMessage.Authentication, mark: [UInt8])? {
    let database = simulation.database!
    if let password, let cached = match(credentials[device], password), cached.how == .own { return cached }
    guard process.reaches(.postgreSQL) else {
      if database.isUp { simulation.saw(.gatewayWithoutPostgreSQL) }
      return nil
    }
    let credential = database.contents.states[device]?.credential
    credentials[device] = credential
    if let password {
      let found = match(credential, password)
      if found == nil { simulation.note("\(simulation.name(device)) is refused") }
      return found
    }
    if credential?.secret == nil || now < credential?.readmitUntil ?? 0 { return (.bootstrap, []) }
    simulation.operators.release(device)
    return nil
  }

  private func match(
    _ credential: CredentialRow?, _ password: String
  ) -> (how: CPEMessage.Authentication, mark: [UInt8])? {
    let password = Array(password.utf8)
    if credential?.secret == password { return (.own, []) }
    return credential?.pendingSecret == password ? (.pending, CPEMessage.mark(ofSealed: password)) : nil
  }

  private func digested(_ inform: Inform) -> [UInt8] {
    inform.parameters.flatMap { Array("\($0.name)=\($0.value);".utf8) }
  }

  func empty(_ post: SessionCore.Post, _ reply: @escaping (Reply) -> Void) {
    process.enter { [self] in
      if simulation.fault(1) { die() }
      if simulation.bug == .forgetsOthersSessions, !own.contains(post.session) { return reply((.nothing, post)) }
      guard isServed(reply) else { return }
      start(post, reply) { core, id, now in core.empty(id, post, peer: "", now: now) }
    }
  }

  func response(
    _ post: SessionCore.Post, _ id: [UInt8], _ body: [UInt8], isPoison: Bool, _ reply: @escaping (Reply) -> Void
  ) {
    process.enter { [self] in
      if simulation.fault(1) { die() }
      guard isServed(reply) else { return }
      var message = CPEMessage(.response, device: post.device, session: post.session)
      message.cwmpID = id
      message.body = body
      message.namespaceMinor = 2
      if isPoison { message.peer = "poison" }
      start(post, reply) { core, id, now in core.response(id, message, now: now) }
    }
  }

  /// The body of a response is refused (400, 413, 415): its session ends.
  func refused(_ post: SessionCore.Post, _ reply: @escaping (Reply) -> Void) {
    process.enter { [self] in
      var message = CPEMessage(.response, device: post.device, session: post.session)
      message.refused = "413"
      append(message)
      simulation.after(simulation.between(200, 5_000)) { reply(nil) }
    }
  }

  func request(_ post: SessionCore.Post, _ body: [UInt8], _ reply: @escaping (Reply) -> Void) {
    process.enter { [self] in
      if simulation.fault(1) { die() }
      guard isServed(reply) else { return }
      var message = CPEMessage(.request, device: post.device, session: post.session)
      message.body = body
      message.namespaceMinor = 2
      start(post, reply) { core, id, now in core.request(id, message, now: now) }
    }
  }

  /// What continues an admitted session is never refused; only a planted bug does.
  private func isServed(_ reply: (Reply) -> Void) -> Bool {
    guard simulation.bug == .shedsContinuing, !admission.admit(.routine) else {
      if simulation.bug == .shedsContinuing { admission.done(after: 0, now: now) }
      return true
    }
    reply((.unavailable, nil))
    return false
  }

  // MARK: - From the log

  func take(_ directive: Directive) {
    guard process.reaches(.log) else { return simulation.saw(.directiveMissed) }
    process.enter { [self] in perform(core.directive(directive, now: simulation.now)) }
  }

  // MARK: - Actions

  private func start(
    _ post: SessionCore.Post, isAdmitted: Bool = false, _ reply: @escaping (Reply) -> Void,
    _ body: (inout SessionCore, UInt64, Int64) -> [SessionCore.Action]
  ) {
    count += 1
    let id = count
    exchanges[id] = Exchange(post: post, isAdmitted: isAdmitted, reply: reply)
    if simulation.fault(2, .connectionBreaks) {
      // The CPE's connection breaks while it waits.
      process.after(simulation.between(0, 3_000_000)) { [self] in
        guard let exchange = finish(id) else { return }
        perform(core.gone(id))
        exchange.reply(nil)
      }
    }
    watch(id, Self.patience)
    perform(body(&core, id, simulation.now))
  }

  /// No POST waits longer, but for the time in which the process was stopped.
  private func watch(_ id: UInt64, _ time: Int64) {
    let before = process.stoppedFor
    process.after(time) { [self] in
      guard let exchange = exchanges[id] else { return }
      if process.stoppedFor > before { return watch(id, process.stoppedFor - before) }
      simulation.violated(
        .deadline, "gateway \(number) held a POST of \(simulation.name(exchange.post.device)) for more than 10 s")
    }
  }

  private func finish(_ id: UInt64) -> Exchange? {
    guard let exchange = exchanges.removeValue(forKey: id) else { return nil }
    if exchange.isAdmitted { admission.done(after: 0, now: now) }
    return exchange
  }

  private func perform(_ actions: [SessionCore.Action]) {
    for action in actions {
      switch action {
      case .append(let message, let ticket):
        append(message) { [self] succeeded in
          if let ticket { perform(core.acknowledged(ticket, succeeded: succeeded, now: simulation.now)) }
        }
        if simulation.bug == .answersBeforeLog, message.kind == .inform, let ticket {
          process.after(0) { [self] in perform(core.acknowledged(ticket, succeeded: true, now: simulation.now)) }
        }
      case .respond(let id, let answer):
        guard let exchange = finish(id) else { continue }
        if case .rpc(let body) = answer { Checker.leaving(body, id << 8, instance, simulation) }
        let isLost = simulation.fault(2, .answerLost)
        simulation.after(simulation.between(200, 5_000)) { exchange.reply(isLost ? nil : (answer, exchange.post)) }
      case .close(let id): finish(id)?.reply(nil)
      }
    }
    schedule()
  }

  private func append(_ message: CPEMessage, _ completion: @escaping (Bool) -> Void = { _ in }) {
    var message = message
    if message.answerBy != 0 { message.answerBy += now - simulation.now }
    let (ranges, now) = (learntRanges(), now)
    message.restoreCount = restoreCount
    simulation.log.append(message, by: process, in: { ranges.partition(of: $0, at: now) }, completion)
  }

  /// As ``GatewayLoop`` has it: a timer of the loop for the core's next deadline.
  private func schedule() {
    guard let deadline = core.nextDeadline, timer.map({ deadline < $0.at }) ?? true else { return }
    timers += 1
    let number = timers
    timer = (number, deadline)
    process.after(max(deadline - simulation.now, 1_000)) { [self] in
      guard timer?.number == number else { return }
      timer = nil
      perform(core.tick(now: simulation.now))
    }
  }
}
