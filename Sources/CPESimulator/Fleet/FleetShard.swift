import CWMP
import Glibc
import HTTP
import Networking

/// The CPEs of one loop. Lives on it; everything that is due there, and every session, goes through here.
final class FleetShard {
  let loop: EventLoop
  let settings: FleetSettings
  let acs: SocketAddress
  let plan: SessionPlan
  let deadlines: DeadlineQueue
  var statistics = FleetStatistics()
  private(set) var cpes: [SimulatedCPE] = []
  private(set) var isStopped = false
  let history: HistoryWriter?

  var lookup: HostLookup
  var wakes = WakeHeap()
  var waiters = SessionWaiters()
  var random: SeededRandom
  private var wakeTimer: LoopTimer?
  private var timerSetFor = Int64.max
  private var queue = IndexQueue()
  private var idleRunners: [SessionRunner] = []
  private(set) var openSessions: [ObjectIdentifier: SessionRunner] = [:]
  private var load: LoadPacer?
  private let sendsFromLoopback: Bool
  private let connectionLimit: Int

  /// - Parameter indices: The numbers of its CPEs.
  init(
    loop: EventLoop, settings: FleetSettings, setup: FleetSetup, indices: [UInt32], callbackPort: UInt16?,
    connectionLimit: Int, history: HistoryWriter?
  ) {
    self.loop = loop
    self.settings = settings
    self.connectionLimit = connectionLimit
    self.history = history
    acs = setup.acsAddress
    lookup = setup.lookup
    sendsFromLoopback = acs.ip.isIPv4 && acs.ip.description.hasPrefix("127.")
    deadlines = loop.deadlines(settings.responseDeadline)
    var plan = SessionPlan(acs: setup.acs, models: setup.models, informParameters: settings.informParameters)
    plan.sendsBasicAtOnce = settings.sendsBasicAtOnce
    plan.trustsInformResponses = settings.trustsInformResponses
    plan.lateMilliseconds = Int(settings.lateDelay.milliseconds)
    self.plan = plan
    random = SeededRandom(seed: settings.seed, index: indices.first ?? 0)
    let environment = CPEEnvironment(
      acs: setup.acs, callbackPort: callbackPort, periodicInterval: settings.periodicInterval,
      bootstrap: settings.bootstrap, knownPassword: settings.knownPassword, padding: settings.valuePadding)
    let now = Clock.milliseconds
    cpes = indices.enumerated().map { place, index in
      let model = setup.models[Int(index) % setup.models.count]
      var state = CPEState(
        identity: CPEIdentity(index: index), model: model, environment: environment, seed: settings.seed,
        callbackHost: callbackHost(of: index), now: now)
      for (kind, fraction) in settings.misbehaviours where state.random.chance(fraction) {
        state.misbehaviours.insert(kind)
      }
      return SimulatedCPE(place: place, state: state)
    }
  }

  private func callbackHost(of index: UInt32) -> UInt32 {
    if let ip = settings.callbackHost, ip.isIPv4 {
      return ip.description.split(separator: ".").reduce(0) { $0 << 8 | (UInt32($1) ?? 0) }
    }
    return 0x7F00_0001 + index % UInt32(max(1, min(settings.loopbackSources, 65_000)))
  }

  func connectOptions(for cpe: SimulatedCPE) -> ConnectOptions {
    var options = ConnectOptions()
    options.deadline = settings.responseDeadline
    options.tls = settings.tls
    if sendsFromLoopback, settings.loopbackSources > 1 {
      options.source = IPAddress(ipv4: callbackHost(of: cpe.state.identity.index))
    }
    return options
  }

  // MARK: - Start and stop

  func start() {
    switch settings.pace {
    case .manual: break
    case .living(let bootSeconds):
      let now = Clock.milliseconds
      for cpe in cpes {
        let wait = Int64.random(in: 0...Int64(bootSeconds * 1_000), using: &random)
        wakes.push(.init(at: now + wait, cpe: cpe.place, reason: .firstBoot))
      }
      armTimer()
    case .closedLoop(let sessions):
      load = LoadPacer(shard: self)
      load?.startClosed(sessions: sessions)
    case .openLoop(let rate):
      load = LoadPacer(shard: self)
      load?.startOpen(sessionsPerSecond: rate)
    }
  }

  /// Begins no more sessions; those that are open may end.
  func windDown() {
    isStopped = true
    load?.stop()
    wakeTimer?.cancel()
  }

  /// Breaks off what is open.
  func stop() {
    windDown()
    for runner in Array(openSessions.values) { runner.abandon() }
    waiters.failAll()
    history?.flush()
  }

  var snapshot: FleetStatistics {
    var copy = statistics
    copy.open = openSessions.count
    copy.waiting = queue.count
    return copy
  }

  // MARK: - Sessions

  /// Lets a CPE begin a session as soon as it may: now, or when its present one has ended, it is up, or it is its turn.
  func requestSession(_ cpe: SimulatedCPE) {
    guard !isStopped, cpe.session == nil, !cpe.isDown, !cpe.isQueued else { return }
    guard openSessions.count < connectionLimit else {
      cpe.isQueued = true
      return queue.append(cpe.place)
    }
    begin(cpe, beganAt: Clock.monotonicMicroseconds)
  }

  var hasRoom: Bool { openSessions.count < connectionLimit }

  func begin(_ cpe: SimulatedCPE, beganAt: Int64) {
    cpe.retryGeneration &+= 1
    cpe.sessions &+= 1
    let runner = idleRunners.popLast() ?? SessionRunner(shard: self)
    cpe.session = runner
    openSessions[ObjectIdentifier(runner)] = runner
    runner.begin(cpe, beganAt: beganAt)
  }

  func sessionEnded(_ cpe: SimulatedCPE, _ report: SessionReport, runner: SessionRunner) {
    cpe.session = nil
    openSessions[ObjectIdentifier(runner)] = nil
    if idleRunners.count < 1_024 { idleRunners.append(runner) }
    var report = report
    report.number = cpe.sessions
    statistics.add(report)
    history?.record(report, of: cpe.state)
    if report.end == .completed {
      cpe.state.sessionSucceeded()
      noteProvisioned(cpe)
    } else {
      cpe.state.sessionFailed()
    }
    for action in cpe.state.takePostponed() { postpone(action, of: cpe) }
    waiters.sessionEnded(cpe, report, keeping: settings.keptReports)
    // Not from here: this is often inside a callback of the connection that has just been closed.
    let this = LoopBound((self, cpe, report.end), on: loop)
    loop.post { this.value.0.afterSession(this.value.1, this.value.2) }
  }

  private func afterSession(_ cpe: SimulatedCPE, _ end: SessionEnd) {
    guard !isStopped else { return }
    if let load { return load.sessionEnded(cpe, end) }
    if end == .completed {
      if !cpe.state.events.isEmpty { requestSession(cpe) }
    } else if settings.pace != .manual {
      retryLater(cpe, end)
    }
    while hasRoom, let place = queue.popFirst() {
      cpes[place].isQueued = false
      requestSession(cpes[place])
    }
  }

  private func retryLater(_ cpe: SimulatedCPE, _ end: SessionEnd) {
    cpe.retryGeneration &+= 1
    wake(cpe, after: retryWait(of: cpe, end), .retry(generation: cpe.retryGeneration))
  }

  /// How long a CPE whose session failed waits, in milliseconds (table 2.5; Retry-After, item 20).
  func retryWait(of cpe: SimulatedCPE, _ end: SessionEnd) -> Int64 {
    let wait = settings.retry.wait(beforeRetry: cpe.state.retryCount, using: &cpe.state.random)
    if case .refused(_, let seconds?) = end { return max(wait, Int64(seconds) * 1_000) }
    return wait
  }

  private func noteProvisioned(_ cpe: SimulatedCPE) {
    guard !cpe.isProvisioned, cpe.state.hasOwnCredentials else { return }
    for (path, wanted) in settings.expectedValues {
      guard let address = cpe.state.model.address(of: "\(cpe.state.model.root).\(path)"),
        cpe.state.value(at: address, now: 0) == wanted
      else { return }
    }
    cpe.isProvisioned = true
    statistics.provisioned += 1
  }

  // MARK: - What is due

  func wake(_ cpe: SimulatedCPE, after milliseconds: Int64, _ reason: WakeHeap.Reason) {
    wakes.push(.init(at: Clock.milliseconds + milliseconds, cpe: cpe.place, reason: reason))
    armTimer()
  }

  private func armTimer() {
    guard !isStopped, let next = wakes.next, next < timerSetFor else { return }
    timerSetFor = next
    let wait = Duration.milliseconds(max(1, next - Clock.milliseconds))
    if let wakeTimer {
      wakeTimer.restart(after: wait)
    } else {
      wakeTimer = loop.schedule(after: wait) { [weak self] in self?.runDue() }
    }
  }

  private func runDue() {
    timerSetFor = .max
    let now = Clock.milliseconds
    while let entry = wakes.pop(dueAt: now) { woken(cpes[entry.cpe], entry.reason, now: now) }
    armTimer()
  }
}
