/// Counts durations in buckets that are 3 % wide, so that percentiles cost no memory with their number.
public struct LatencyRecorder: Sendable {
  private static let stepsPerDoubling = 32
  private var buckets: [UInt32] = []
  /// How many were recorded.
  public private(set) var count = 0
  /// The longest, in microseconds.
  public private(set) var longest: Int64 = 0

  /// An empty recorder.
  public init() {}

  /// Records a duration in microseconds.
  public mutating func record(_ microseconds: Int64) {
    let bucket = Self.bucket(max(0, microseconds))
    if bucket >= buckets.count { buckets += Array(repeating: 0, count: bucket + 1 - buckets.count) }
    buckets[bucket] &+= 1
    count += 1
    longest = max(longest, microseconds)
  }

  /// Adds what another one recorded.
  public mutating func add(_ other: LatencyRecorder) {
    if other.buckets.count > buckets.count {
      buckets += Array(repeating: 0, count: other.buckets.count - buckets.count)
    }
    for (index, amount) in other.buckets.enumerated() { buckets[index] &+= amount }
    count += other.count
    longest = max(longest, other.longest)
  }

  /// Takes away what an earlier copy of this one had recorded; the longest stays.
  public mutating func subtract(_ earlier: LatencyRecorder) {
    for (index, amount) in earlier.buckets.enumerated() { buckets[index] &-= amount }
    count -= earlier.count
  }

  /// The duration in microseconds that a part (0...1) of those recorded does not exceed; 0 if there are none.
  public func percentile(_ part: Double) -> Int64 {
    let wanted = max(1, Int((Double(count) * part).rounded(.up)))
    var seen = 0
    for (index, amount) in buckets.enumerated() {
      seen += Int(amount)
      if seen >= wanted { return min(Self.upperBound(index), longest) }
    }
    return longest
  }

  private static func bucket(_ value: Int64) -> Int {
    guard value >= stepsPerDoubling else { return Int(value) }
    let shift = 58 - value.leadingZeroBitCount
    return (shift + 1) * stepsPerDoubling + Int(value >> shift) - stepsPerDoubling
  }

  private static func upperBound(_ bucket: Int) -> Int64 {
    guard bucket >= stepsPerDoubling else { return Int64(bucket) }
    let shift = bucket / stepsPerDoubling - 1
    return (Int64(bucket % stepsPerDoubling + stepsPerDoubling + 1) << shift) - 1
  }
}
