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
}
