import Testing

@testable import TaskScheduler

struct WakeupBackoffTests {
  private let backoff = WakeupBackoff(settings: ConnectionRequestSettings())

  @Test func `a device is never asked twice within the interval (item 183)`() {
    for tries: Int32 in 0...40 {
      for jitter in [0, 0.5, 1] { #expect(backoff.wait(afterTries: tries, jitter: jitter) >= .seconds(30)) }
    }
  }

  @Test func `waits double up to the longest`() {
    #expect(backoff.wait(afterTries: 2, jitter: 0.5) == .seconds(60))
    #expect(backoff.wait(afterTries: 3, jitter: 0.5) == .seconds(120))
    #expect(backoff.wait(afterTries: 1000, jitter: 0.5) == .seconds(3600))
  }

  @Test func `waits are spread by a quarter to both sides`() {
    #expect(backoff.wait(afterTries: 3, jitter: 0) == .seconds(90))
    #expect(backoff.wait(afterTries: 3, jitter: 1) == .seconds(150))
  }
}
