import Glibc

/// A POSIX semaphore, to wake the log's thread.
final class Semaphore: @unchecked Sendable {
  // Proof for @unchecked: the pointer is set once and owned until deinit; sem_post and sem_wait are thread-safe.
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() {
    semaphore.initialize(to: sem_t())
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func signal() { sem_post(semaphore) }

  func wait() {
    while sem_wait(semaphore) != 0, errno == EINTR {}
  }

  /// Waits for a signal, but not for longer.
  func wait(atMostMilliseconds milliseconds: Int) {
    var end = timespec()
    clock_gettime(CLOCK_REALTIME, &end)
    end.tv_nsec += milliseconds * 1_000_000
    end.tv_sec += end.tv_nsec / 1_000_000_000
    end.tv_nsec %= 1_000_000_000
    while sem_timedwait(semaphore, &end) != 0, errno == EINTR {}
  }
}
