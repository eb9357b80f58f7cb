import Glibc
public import Networking
import Synchronization

/// The life of a process: parts start in order and stop in reverse order, each with a deadline; SIGTERM and SIGINT stop
/// it (a second one at once), SIGHUP reloads; a part that ends by itself ends the process with its reason.
///
/// What a part needs to start and is away for now (a database, brokers) is waited for, for as long as it takes: the
/// process is not ready meanwhile, says why, and can be stopped.
///
/// ```swift
/// let lifecycle = Lifecycle(on: loop, logger: logger)
/// await lifecycle.add(LifecyclePart("database", start: { try await pool.connect() }, stop: { await pool.close() }))
/// let end = await lifecycle.run()
/// ```
public actor Lifecycle {
  private enum Event: Sendable {
    case started
    case startFailed(part: String, reason: String)
    case ended(part: String, reason: String)
    case stopRequested(reason: String)
    case reloadRequested
  }

  private enum Outcome: Sendable {
    case done
    case failed(String)
    /// What it needs is away.
    case away(String)
    case late
  }

  /// The lifecycle's loop is its executor.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let loop: EventLoop
  private let logger: Logger
  private let stopDeadline: Duration
  private let readiness: ReadinessBoard
  private let isAway: @Sendable (any Error) -> Bool
  private let pause: Duration
  private let events: AsyncStream<Event>
  private let report: AsyncStream<Event>.Continuation
  private var parts: [LifecyclePart] = []
  private var startedCount = 0
  private var lives: [Task<Void, Never>] = []
  private var signals: [SignalWatch] = []
  private var stopRequests = 0

  /// A life without parts.
  ///
  /// - Parameters:
  ///   - loop: where the parts' functions begin to run; its loop must live until after ``run(watchingSignals:)``.
  ///   - stopDeadline: how long all stops together may take.
  ///   - readiness: where it is said which part is being started.
  ///   - isAway: whether an error of a start will go away by itself; then the part is started again after a pause. Such
  ///     a start leaves nothing behind.
  public init(
    on loop: EventLoop, logger: Logger, stopDeadline: Duration = .seconds(25),
    readiness: ReadinessBoard = ReadinessBoard(), isAway: @escaping @Sendable (any Error) -> Bool = { _ in false },
    pause: Duration = .seconds(1)
  ) {
    self.loop = loop
    self.logger = logger.component("lifecycle")
    self.stopDeadline = stopDeadline
    self.readiness = readiness
    self.isAway = isAway
    self.pause = pause
    readiness.expect(Self.condition)
    (events, report) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(64))
  }

  /// What it calls itself on the readiness board.
  private static let condition = "start"

  /// Adds a part, before ``run(watchingSignals:)`` or in the start of one that was added before.
  public func add(_ part: LifecyclePart) { parts.append(part) }

  /// Stops the process in order, from anywhere.
  public nonisolated func requestStop(reason: String) { report.yield(.stopRequested(reason: reason)) }

  /// Tells that a part has failed for good, from anywhere; for parts whose life is callbacks rather than a `run`.
  public nonisolated func partFailed(_ part: String, reason: String) {
    report.yield(.ended(part: part, reason: reason))
  }

  /// Starts the parts, lives until told to stop or a part ends, stops the parts.
  public func run(watchingSignals: Bool = true) async -> LifecycleEnd {
    if watchingSignals { watchSignals() }
    let starting = Task(executorPreference: loop) { await self.startAll() }
    var end: LifecycleEnd?
    for await event in events {
      end = await handle(event)
      if end != nil { break }
    }
    starting.cancel()
    await starting.value
    let complete = await stopAll()
    for signal in signals { signal.cancel() }
    signals = []
    let reason = end?.reason ?? "cancelled"
    logger.info("stopped") { $0.add(.reason, reason) }
    return LifecycleEnd(exitCode: complete ? end?.exitCode ?? 1 : 1, reason: reason)
  }

  private func handle(_ event: Event) async -> LifecycleEnd? {
    switch event {
    case .started:
      logger.info("started") { $0.add(.count, startedCount) }
    case .startFailed(let part, let reason):
      return fail("could not start", part, reason)
    case .ended(let part, let reason):
      return fail("ended unexpectedly", part, reason)
    case .stopRequested(let reason):
      logger.info("stopping") { $0.add(.reason, reason) }
      return LifecycleEnd(exitCode: 0, reason: reason)
    case .reloadRequested:
      await reloadAll()
    }
    return nil
  }

  private func fail(_ what: StaticString, _ part: String, _ reason: String) -> LifecycleEnd {
    logger.error(what) { line in
      line.add(.part, part)
      line.add(.reason, reason)
    }
    return LifecycleEnd(exitCode: 1, reason: "\(part) \(what): \(reason)")
  }

  // MARK: Starting, reloading, stopping

  private func startAll() async {
    // A part's start may add others, which come after it.
    while startedCount < parts.count {
      let part = parts[startedCount]
      readiness.notReady(Self.condition, reason: "\(part.name) is starting")
      guard await start(part) else { return }
      startedCount += 1
      logger.debug("part started") { $0.add(.part, part.name) }
      if let run = part.run { live(part.name, run) }
    }
    readiness.ready(Self.condition)
    report.yield(.started)
  }

  /// Starts a part, as often as what it needs is away; false: it cannot be started, or is not to be any more.
  private func start(_ part: LifecyclePart) async -> Bool {
    while !Task.isCancelled {
      switch await race(part.startDeadline, part.start) {
      case .done: return true
      case .failed(let reason):
        report.yield(.startFailed(part: part.name, reason: reason))
        return false
      case .late:
        report.yield(.startFailed(part: part.name, reason: "not within \(part.startDeadline)"))
        return false
      case .away(let reason):
        if Task.isCancelled { return false }
        readiness.notReady(Self.condition, reason: "\(part.name): \(reason)")
        logger.warning("what a part needs is away, it is tried again") { line in
          line.add(.part, part.name)
          line.add(.reason, reason)
        }
        try? await loop.sleep(for: pause)
      }
    }
    return false
  }

  private func live(_ name: String, _ run: @escaping @Sendable () async throws -> Void) {
    let life = Task(executorPreference: loop) { [report] in
      do {
        try await run()
        if !Task.isCancelled { report.yield(.ended(part: name, reason: "it returned")) }
      } catch {
        if !Task.isCancelled { report.yield(.ended(part: name, reason: String(describing: error))) }
      }
    }
    lives.append(life)
  }

  private func reloadAll() async {
    for part in parts.prefix(startedCount) {
      guard let reload = part.reload else { continue }
      switch await race(part.startDeadline, reload) {
      case .done: logger.info("reloaded") { $0.add(.part, part.name) }
      case .failed(let reason), .away(let reason):
        logger.error("not reloaded, the former settings stay") { line in
          line.add(.part, part.name)
          line.add(.reason, reason)
        }
      case .late: logger.error("reload takes too long") { $0.add(.part, part.name) }
      }
    }
  }

  /// Whether all parts stopped in time.
  private func stopAll() async -> Bool {
    var complete = true
    for life in lives { life.cancel() }
    let clock = ContinuousClock()
    let end = clock.now + stopDeadline
    for part in parts.prefix(startedCount).reversed() {
      let left = min(part.stopDeadline, max(.milliseconds(1), end - clock.now))
      if case .done = await race(left, part.stop) {
        logger.debug("part stopped") { $0.add(.part, part.name) }
      } else {
        complete = false
        logger.warning("part not stopped in time") { $0.add(.part, part.name) }
      }
    }
    startedCount = 0
    return complete
  }

  /// Runs a part's function and returns at its deadline even where it goes on: a part that hangs must not keep the
  /// others from stopping. It is cancelled then, and the process about to end.
  private func race(_ deadline: Duration, _ body: @escaping @Sendable () async throws -> Void) async -> Outcome {
    let task = Task(executorPreference: loop) { [isAway] () -> Outcome in
      do {
        try await body()
        return .done
      } catch {
        let reason = String(describing: error)
        return isAway(error) ? .away(reason) : .failed(reason)
      }
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let first = FirstOnly(continuation)
        let timer = loop.schedule(after: deadline) {
          task.cancel()
          first.resume(returning: .late)
        }
        let pending = LoopBound(timer, on: loop)
        Task(executorPreference: loop) { [loop] in
          let outcome = await task.value
          loop.runSoon { pending.value.cancel() }
          first.resume(returning: outcome)
        }
      }
    } onCancel: {
      task.cancel()
    }
  }

  // MARK: Signals

  private func watchSignals() {
    signals = [
      loop.watchSignal(SIGTERM) { [self] in assumeIsolated { $0.stopSignal("SIGTERM") } },
      loop.watchSignal(SIGINT) { [self] in assumeIsolated { $0.stopSignal("SIGINT") } },
      loop.watchSignal(SIGHUP) { [report] in report.yield(.reloadRequested) },
    ]
  }

  private func stopSignal(_ name: String) {
    stopRequests += 1
    if stopRequests == 1 {
      report.yield(.stopRequested(reason: name))
    } else {
      // Who asks twice does not want to wait for anything, the log included.
      _exit(1)
    }
  }
}

/// A continuation that several may resume: the first one does.
private final class FirstOnly<Value: Sendable>: Sendable {
  private let continuation: Mutex<CheckedContinuation<Value, Never>?>

  init(_ continuation: CheckedContinuation<Value, Never>) { self.continuation = Mutex(continuation) }

  func resume(returning value: Value) {
    let first = continuation.withLock { stored in
      defer { stored = nil }
      return stored
    }
    first?.resume(returning: value)
  }
}
