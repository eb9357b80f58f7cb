/// When to ask a device again: later each time, spread so that a fleet behind one broken link does not come back at
/// once. Pure.
struct WakeupBackoff {
  let settings: ConnectionRequestSettings

  /// The wait after the request number `tries`, counted from 1.
  /// - Parameter jitter: from 0 to 1.
  func wait(afterTries tries: Int32, jitter: Double) -> Duration {
    let doublings = min(max(tries - 1, 0), 20)
    let plain = min(settings.interval * (1 << Int(doublings)), settings.longestInterval)
    return max(plain * (0.75 + 0.5 * jitter), settings.interval)
  }
}
