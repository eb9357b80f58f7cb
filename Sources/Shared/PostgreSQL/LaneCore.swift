import Networking
import Synchronization

/// What a ``Lane`` is inside: the shell around ``JobQueue`` and ``Connection`` on the loop.
///
/// `@unchecked Sendable`, because: `loop`, `settings` never change, `ready`, `closed` are Atomics, and all else is
/// touched on the loop's thread only: every entry from outside (`submit`, `cancel`, `close`, `listen`, the
/// transaction's) either checks that it is on the loop or is called from the lane's actor, which is pinned to it;
/// timers, watches and posted closures run there by themselves.
final class LaneCore: @unchecked Sendable {
  enum State {
    /// Before the first attempt to connect.
    case new
    /// A thread connects.
    case connecting
    /// Between two attempts.
    case waiting(LoopTimer)
    /// The first batch, of session settings, is under way.
    case preparing(Connection)
    case ready(Connection)
    case closed
  }

  let loop: EventLoop
  let settings: LaneSettings
  private let ready = Atomic<Bool>(false)
  private let closed = Atomic<Bool>(false)

  // On the loop, from here on.
  var state = State.new
  var queue: JobQueue
  var inFlight = Deque<Batch>()
  /// The transaction that has the lane.
  var hold: Hold?
  /// The transactions whose bodies have not returned yet.
  var holds: [Int: Hold] = [:]
  var watch: DescriptorWatch?
  /// Counts connections, so that what belongs to an earlier one is known.
  var generation = 0
  var failedAttempts = 0
  var lastFailure: PostgreSQLError?
  var listeners: [(channel: String, handler: (String) -> Void)] = []
  var cancelling = false
  /// The backend of the connection that was lost, until another one stands.
  var predecessor: Int32?
  /// When the oldest batch's statement was asked to be cancelled; nil once something came.
  var cancelledAt: ContinuousClock.Instant?
  private var lastJob = 0
  private var flushScheduled = false
  private var refused: [(Job, PostgreSQLError)] = []
  private var deadlineTimer: LoopTimer?
  private var nextDeadline: ContinuousClock.Instant?

  init(on loop: EventLoop, _ settings: LaneSettings) throws(PostgreSQLError) {
    try Connector.check(settings.connection)
    self.loop = loop
    self.settings = settings
    queue = JobQueue(settings)
    loop.post { [self] in connect() }
  }

  var isReady: Bool { ready.load(ordering: .relaxed) }
  var isClosed: Bool { closed.load(ordering: .relaxed) }

  var connection: Connection? {
    switch state {
    case .preparing(let connection), .ready(let connection): connection
    default: nil
    }
  }

  func become(_ state: State) {
    self.state = state
    if case .ready = state {
      ready.store(true, ordering: .relaxed)
    } else {
      ready.store(false, ordering: .relaxed)
    }
  }

  // MARK: - Callers

  func nextJobNumber() -> Int {
    lastJob += 1
    return lastJob
  }

  /// Queues work; `completion` is called on the loop, never before this returns.
  func submit(
    _ work: Job.Work, number: Int? = nil, deadline: Duration?, alone: Bool = false,
    _ completion: @escaping Job.Completion
  ) {
    precondition(loop.isCurrent, "a lane is used on its own loop")
    let end = loop.now + (deadline ?? settings.deadline)
    let job = Job(number: number ?? nextJobNumber(), work, deadline: end, alone: alone, completion)
    if case .closed = state {
      refused.append((job, PostgreSQLError(.closed, "the lane is closed")))
    } else if !queue.append(job) {
      refused.append((job, PostgreSQLError(.queueFull, "\(settings.maximumWaiting) calls wait already")))
    } else {
      watchDeadline(end)
    }
    scheduleFlush()
  }

  /// Forgets a job whose caller no longer waits; if it was sent it goes on at the server.
  func cancel(_ number: Int) {
    let sent = inFlight.elements.flatMap(\.jobs)
    guard let job = (queue.all + sent).first(where: { $0.number == number }) else { return }
    let wasSent = sent.contains { $0 === job }
    job.complete(.failure(PostgreSQLError(.cancelled, "the caller was cancelled", isOutcomeUnknown: wasSent)))
  }

  func listen(_ channel: String, _ handler: @escaping (String) -> Void) {
    precondition(loop.isCurrent, "a lane is used on its own loop")
    listeners.append((channel, handler))
    // If there is no connection yet, the first batch of the next one does it.
    guard case .ready = state else { return }
    submit(.calls([LaneCore.listenCall(channel)]), deadline: nil) { [self] result in
      if case .failure(let error) = result { lost(error) }
    }
  }

  static func listenCall(_ channel: String) -> Call {
    let quoted = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
    return Call(Statement("lane.listen", "LISTEN \"\(quoted)\""))
  }

  func close() {
    if case .closed = state { return }
    if case .waiting(let timer) = state { timer.cancel() }
    deadlineTimer?.cancel()
    let error = PostgreSQLError(.closed, "the lane was closed")
    dropConnection(error)
    become(.closed)
    closed.store(true, ordering: .relaxed)
    for job in queue.removeAll() { job.complete(.failure(error)) }
  }

  // MARK: - Turns

  /// Sends what waits at the end of this turn, so that all its calls share a Sync.
  func scheduleFlush() {
    if flushScheduled { return }
    flushScheduled = true
    loop.post { [self] in
      flushScheduled = false
      let refused = refused
      self.refused = []
      for (job, error) in refused { job.complete(.failure(error)) }
      send()
    }
  }

  /// Sends batches while the server may be given more.
  private func send() {
    guard case .ready(let connection) = state else { return }
    var sent = false
    while inFlight.count < settings.maximumBatchesInFlight, inFlight.last?.script == nil {
      let (jobs, granted) = queue.nextBatch(idle: inFlight.isEmpty)
      if let granted { grant(granted) }
      if jobs.isEmpty { break }
      guard transmit(Batch(jobs), over: connection) else { return }
      sent = true
    }
    if sent { flush(connection) }
  }

  /// Gives a batch to libpq. False if that ended the connection.
  func transmit(_ batch: Batch, over connection: Connection) -> Bool {
    inFlight.append(batch)
    if connection.send(batch) { return true }
    lost(PostgreSQLError(.connectionLost, connection.message))
    return false
  }

  /// Writes what libpq holds back, and has the loop tell when more can be written.
  func flush(_ connection: Connection) {
    guard let more = connection.flush() else {
      return lost(PostgreSQLError(.connectionLost, connection.message))
    }
    watch?.interest = more ? [.readable, .writable] : .readable
  }

  // MARK: - Deadlines

  /// Makes sure that the timer fires at `end`, or before: deadlines mostly come in order, so mostly there is nothing to
  /// do.
  func watchDeadline(_ end: ContinuousClock.Instant) {
    if let nextDeadline, nextDeadline <= end { return }
    nextDeadline = end
    let delay = max(end - loop.now, .milliseconds(1))
    if let deadlineTimer {
      deadlineTimer.restart(after: delay)
    } else {
      deadlineTimer = loop.schedule(after: delay) { [self] in
        nextDeadline = nil
        expire()
      }
    }
  }

  private func expire() {
    let now = ContinuousClock.now
    var next: ContinuousClock.Instant?
    let reason = connection == nil ? lastFailure.map { "; no connection: \($0.message)" } ?? "; not yet connected" : ""
    func look(_ job: Job, sent: Bool) {
      if job.isOver { return }
      if job.deadline <= now {
        let text = (sent ? "the server did not answer in time" : "not sent in time") + reason
        let name = job.calls.first?.statement.name ?? ""
        job.complete(.failure(PostgreSQLError(.deadline, text, statement: name, isOutcomeUnknown: sent)))
      } else {
        next = min(next ?? job.deadline, job.deadline)
      }
    }
    for batch in inFlight.elements {
      for job in batch.jobs { look(job, sent: true) }
    }
    for job in queue.all { look(job, sent: false) }
    if let hold, hold.deadline <= now {
      expireHold()
    } else if let hold {
      next = min(next ?? hold.deadline, hold.deadline)
    }
    if let check = unblock(now) { next = min(next ?? check, check) }
    if let next { watchDeadline(next) }
    scheduleFlush()
  }

  /// If the statement that the server works on has outlived its caller, asks the server to cancel it; if that does not
  /// help within `cancelGrace`, the connection is dead. Returns when to look again.
  private func unblock(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard let connection, let oldest = inFlight.first, oldest.jobs.contains(where: { $0.deadline <= now }) else {
      return nil
    }
    if let cancelledAt {
      if now < cancelledAt + LaneCore.cancelGrace { return cancelledAt + LaneCore.cancelGrace }
      lost(PostgreSQLError(.connectionLost, "the server does not answer, and did not cancel what it was doing"))
      return nil
    }
    cancelledAt = now
    if !cancelling, let handle = connection.cancelHandle() {
      cancelling = Connector.cancel(handle) { [self] in loop.post { [self] in cancelling = false } }
    }
    return now + LaneCore.cancelGrace
  }

  private static let cancelGrace = Duration.seconds(3)
}
