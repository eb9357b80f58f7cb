/// How long a CPE waits after a session that failed (TR-069 §3.2.1.1, table 2.5 of the protocol notes).
public struct RetryPolicy: Sendable, Hashable {
  /// m: the shortest wait, in milliseconds. The standard's default is 5,000; tests scale it down.
  public var minimumWaitMilliseconds: Int64
  /// k, in thousandths.
  public var multiplier: Int64

  /// A policy; the defaults are the standard's.
  public init(minimumWaitMilliseconds: Int64 = 5_000, multiplier: Int64 = 2_000) {
    self.minimumWaitMilliseconds = minimumWaitMilliseconds
    self.multiplier = multiplier
  }

  /// Between which bounds, in milliseconds, the wait before retry `n` (from 1) is drawn; the tenth's hold for ever.
  public func bounds(ofRetry n: UInt32) -> ClosedRange<Int64> {
    var low = max(1, minimumWaitMilliseconds)
    for _ in 1..<min(max(n, 1), 10) { low = scaled(low) }
    return low...max(low, scaled(low))
  }

  /// The wait before retry `n`, drawn.
  public func wait(beforeRetry n: UInt32, using random: inout some RandomNumberGenerator) -> Int64 {
    Int64.random(in: bounds(ofRetry: n), using: &random)
  }

  private func scaled(_ wait: Int64) -> Int64 { min(wait * multiplier / 1_000, 1 << 40) }
}
