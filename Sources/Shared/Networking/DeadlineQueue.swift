import CLibEvent

/// Timers of one length, in a queue of their own: setting and cancelling one is O(1) instead of a heap's O(log n).
/// For deadlines that nearly never fire, such as those of connections.
public final class DeadlineQueue {
  /// How long each deadline of this queue is.
  public let length: Duration
  private let loop: EventLoop
  private var timeout: timeval

  init(loop: EventLoop, length: Duration) {
    self.loop = loop
    self.length = length
    var timeout = timeval(length)
    // libevent has room for 256 such queues and then answers nil: a plain timeout of the same length works the same.
    if let common = event_base_init_common_timeout(loop.base, &timeout) { timeout = common.pointee }
    self.timeout = timeout
  }

  /// Runs `work` once the queue's length has passed.
  public func start(_ work: @escaping () -> Void) -> LoopTimer {
    let timer = LoopTimer(loop: loop, work: work)
    restart(timer)
    return timer
  }

  /// Sets a timer of this queue anew.
  public func restart(_ timer: LoopTimer) {
    timer.arm(descriptor: -1, what: 0, timeout: &timeout)
  }
}

extension EventLoop {
  /// The queue for deadlines of one length; the same one each time.
  public func deadlines(_ length: Duration) -> DeadlineQueue {
    preconditionOnLoop()
    if let queue = deadlineQueues[length] { return queue }
    let queue = DeadlineQueue(loop: self, length: length)
    deadlineQueues[length] = queue
    return queue
  }
}
