import Synchronization

/// One loop's part of a series.
protocol MetricShard: AnyObject, Sendable {}

/// A count that only grows.
public final class Counter: MetricShard {
  private let count = Atomic<UInt64>(0)
  // Keeps two loops' counters off one cache line (with the object's header, 64 bytes).
  private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)

  init() {}

  /// Adds to the count.
  public func increment(by amount: Int = 1) {
    count.wrappingAdd(UInt64(truncatingIfNeeded: amount), ordering: .relaxed)
  }

  /// The shard's count.
  public var value: UInt64 { count.load(ordering: .relaxed) }
}

/// A number that goes up and down.
public final class Gauge: MetricShard {
  private let number = Atomic<Int64>(0)
  private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)

  init() {}

  /// Adds, also less than nothing.
  public func add(_ amount: Int) { number.wrappingAdd(Int64(amount), ordering: .relaxed) }

  /// Replaces the number.
  public func set(_ value: Int) { number.store(Int64(value), ordering: .relaxed) }

  /// The shard's number.
  public var value: Int64 { number.load(ordering: .relaxed) }
}

/// A number that is asked at the scrape.
final class ReadShard: MetricShard {
  let read: @Sendable () -> Double

  init(read: @escaping @Sendable () -> Double) { self.read = read }
}
