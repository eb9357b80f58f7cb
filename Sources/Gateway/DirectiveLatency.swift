/// How long verdicts take to come back, as a moving average that is forgotten when it gets old: a state that latched
/// would keep a gateway from ever asking again (docs/architecture.md, section 2.5).
public struct DirectiveLatency: Sendable {
  private static let forgottenAfter: Int64 = 10_000_000
  private var average: Int64 = 0
  private var observedAt: Int64?

  /// Takes one sample in microseconds.
  mutating func observe(_ sample: Int64, now: Int64) {
    let old = expected(now: now)
    average = old.map { ($0 * 7 + max(sample, 0)) / 8 } ?? max(sample, 0)
    observedAt = now
  }

  /// The latency to expect in microseconds, or nil when nothing recent is known.
  public func expected(now: Int64) -> Int64? {
    guard let observedAt, now - observedAt <= Self.forgottenAfter else { return nil }
    return average
  }
}
