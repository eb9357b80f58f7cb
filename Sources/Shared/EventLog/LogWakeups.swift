import Networking
import Synchronization

/// Who of this process waits for records of the PostgreSQL log. Only a hint: readers also poll.
final class LogWakeups: Sendable {
  /// A reader: what it reads, and whether it has been woken since it last looked.
  final class Waiter: Sendable {
    private let loop: EventLoop
    private let wake: @Sendable () -> Void
    private let partitions = Mutex<Set<Partition>>([])
    private let isSignalled = Atomic<Bool>(false)

    init(loop: EventLoop, wake: @escaping @Sendable () -> Void) {
      self.loop = loop
      self.wake = wake
    }

    /// What it reads from now on.
    func watch(_ partitions: Set<Partition>) { self.partitions.withLock { $0 = partitions } }

    /// It looks now: what comes after this is worth another signal.
    func looks() { isSignalled.store(false, ordering: .sequentiallyConsistent) }

    fileprivate func signal(if matches: (Set<Partition>) -> Bool) {
      guard partitions.withLock({ matches($0) }) else { return }
      if !isSignalled.exchange(true, ordering: .sequentiallyConsistent) { loop.post(wake) }
    }
  }

  private let waiters = Mutex<[Waiter]>([])

  /// Adds a reader.
  func add(_ waiter: Waiter) { waiters.withLock { $0.append(waiter) } }

  /// Forgets a reader.
  func remove(_ waiter: Waiter) { waiters.withLock { $0.removeAll { $0 === waiter } } }

  /// Something was appended to `partitions`.
  func signal(_ partitions: [Partition]) {
    for waiter in waiters.withLock({ $0 }) {
      waiter.signal { watched in partitions.contains { watched.contains($0) } }
    }
  }

  /// Something was appended to some partition of the topics in `mask` (``Topic/bit``).
  func signal(topics mask: UInt32) {
    for waiter in waiters.withLock({ $0 }) {
      waiter.signal { watched in watched.contains { $0.topic.bit & mask != 0 } }
    }
  }
}

extension Topic {
  /// The topic in a set of topics.
  var bit: UInt32 { 1 << UInt32(rawValue) }
}
