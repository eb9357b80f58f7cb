import CLibEvent

/// A one-shot timer on a loop: made by ``EventLoop/schedule(after:_:)`` or a ``DeadlineQueue``. It lives until it has
/// fired or is cancelled, whether or not anyone keeps it.
public class LoopTimer: LoopEvent {
  private var work: (() -> Void)?

  init(loop: EventLoop, work: @escaping () -> Void) {
    self.work = work
    super.init(loop: loop)
  }

  /// Sets the timer anew, whether it is pending or has fired; does nothing after ``cancel()``.
  public func restart(after delay: Duration) {
    guard work != nil else { return }
    var timeout = timeval(delay)
    arm(descriptor: -1, what: 0, timeout: &timeout)
  }

  /// Forgets the work; nothing happens if it has been done already.
  public override func cancel() {
    disarm()
    work = nil
  }

  override func fired(_ what: Int16) { work?() }

  override func loopEnded() { work = nil }
}

extension EventLoop {
  /// Runs `work` on the loop once `delay` has passed (a resolution of some milliseconds; may be up to 4 ms early).
  @discardableResult
  public func schedule(after delay: Duration, _ work: @escaping () -> Void) -> LoopTimer {
    let timer = LoopTimer(loop: self, work: work)
    timer.restart(after: delay)
    return timer
  }
}

extension timeval {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(tv_sec: max(0, Int(seconds)), tv_usec: seconds < 0 ? 0 : Int(attoseconds / 1_000_000_000_000))
  }
}
