import Synchronization

/// The upper bounds of a histogram's buckets, and the unit that it is observed in.
public struct HistogramBuckets: Sendable {
  /// Ascending, in the unit observed.
  public let bounds: [Int64]
  /// What one observed unit is in the unit exposed: 1e-9 for nanoseconds exposed as seconds.
  public let scale: Double

  /// Buckets of ascending bounds.
  public init(bounds: [Int64], scale: Double) {
    self.bounds = bounds
    self.scale = scale
  }

  /// Nanoseconds, exposed as seconds: 500 µs to 30 s, for what a CPE or an operator waits for.
  public static let latency = HistogramBuckets(
    bounds: [
      500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000,
      500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000, 30_000_000_000,
    ], scale: 1e-9)

  /// Bytes: 256 B to 16 MiB in steps of four.
  public static let bytes = HistogramBuckets(
    bounds: (0...8).map { 256 << (2 * $0) }, scale: 1)

  /// Counts: 1 to 1,024 in steps of two, for batches and rounds.
  public static let counts = HistogramBuckets(bounds: (0...10).map { 1 << $0 }, scale: 1)
}

/// How often a value fell into each bucket.
public final class Histogram: MetricShard, @unchecked Sendable {
  // Proof for @unchecked: `cells` is set once, points to memory that this object alone owns until its deinit, and is
  // only accessed through the atomics in it.
  private let cells: UnsafeMutablePointer<Atomic<UInt64>>
  private let sumOfValues = Atomic<Int64>(0)
  let buckets: HistogramBuckets

  init(_ buckets: HistogramBuckets) {
    self.buckets = buckets
    cells = .allocate(capacity: buckets.bounds.count + 1)
    for index in 0...buckets.bounds.count { (cells + index).initialize(to: Atomic(0)) }
  }

  deinit {
    cells.deinitialize(count: buckets.bounds.count + 1)
    cells.deallocate()
  }

  /// Counts a value in the unit of the buckets: nanoseconds for ``HistogramBuckets/latency``.
  public func observe(_ value: Int64) {
    var index = 0
    while index < buckets.bounds.count, value > buckets.bounds[index] { index += 1 }
    cells[index].wrappingAdd(1, ordering: .relaxed)
    sumOfValues.wrappingAdd(value, ordering: .relaxed)
  }

  /// Counts a time, for buckets in nanoseconds.
  public func observe(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    observe(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  /// Counts by bucket, the last one above all bounds.
  var counts: [UInt64] { (0...buckets.bounds.count).map { cells[$0].load(ordering: .relaxed) } }

  /// The sum of what was observed, in the unit observed.
  var sum: Int64 { sumOfValues.load(ordering: .relaxed) }
}
