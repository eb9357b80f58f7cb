import Synchronization

extension EventLoop {
  /// Waits on the loop's own timers: no hop to another pool. May be called from anywhere; costs least on the loop.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled, or the loop ends.
  public func sleep(for duration: Duration) async throws {
    let sleeper = Sleeper()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        guard sleeper.begin(continuation) else { return }
        let posted = runSoon {
          SleepTimer(loop: self, sleeper: sleeper, duration: duration).begin()
        }
        if !posted { sleeper.end(with: .failure(CancellationError())) }
      }
    } onCancel: {
      sleeper.end(with: .failure(CancellationError()))
    }
  }
}

/// The continuation of one sleep, resumed exactly once by its timer, its cancellation or the loop's end.
private final class Sleeper: Sendable {
  private enum State {
    case new
    case asleep(CheckedContinuation<Void, any Error>)
    case over
  }

  private let state = Mutex(State.new)

  /// False if it was cancelled before it began; the continuation has then been resumed.
  func begin(_ continuation: CheckedContinuation<Void, any Error>) -> Bool {
    let begun = state.withLock { state in
      guard case .new = state else { return false }
      state = .asleep(continuation)
      return true
    }
    if !begun { continuation.resume(throwing: CancellationError()) }
    return begun
  }

  func end(with result: Result<Void, any Error>) {
    let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
      defer { state = .over }
      if case .asleep(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume(with: result)
  }

  var isOver: Bool {
    state.withLock { state in
      if case .over = state { return true }
      return false
    }
  }
}

/// A sleep's timer; it stays set when the sleep is cancelled, and then fires into nothing.
private final class SleepTimer: LoopTimer {
  private let sleeper: Sleeper
  private let end: ContinuousClock.Instant

  init(loop: EventLoop, sleeper: Sleeper, duration: Duration) {
    self.sleeper = sleeper
    end = ContinuousClock.now + duration
    super.init(loop: loop, work: {})
  }

  func begin() {
    if sleeper.isOver { return }
    restart(after: end - ContinuousClock.now)
  }

  override func fired(_ what: Int16) {
    // libevent's coarse clock may be some milliseconds ahead: a sleep is never shorter than asked for.
    if ContinuousClock.now < end { return restart(after: max(end - ContinuousClock.now, .milliseconds(1))) }
    sleeper.end(with: .success(()))
  }

  override func loopEnded() {
    super.loopEnded()
    sleeper.end(with: .failure(CancellationError()))
  }
}
