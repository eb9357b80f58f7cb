import Glibc
public import PostgreSQL

/// The database's clock, kept by its offset to this machine's: what ids, deadlines and the fold's time go by, also
/// while PostgreSQL is away (docs/architecture.md, section 2.1). Lives on one loop.
public final class DatabaseClock {
  private var offset: Int64

  /// A clock that goes by this machine's time of day until it was set.
  public init() { offset = Self.microseconds(CLOCK_REALTIME) - Self.microseconds(CLOCK_BOOTTIME) }

  /// Microseconds since 1970, database clock.
  public var now: Int64 { steady + offset }

  /// Microseconds since some moment, by a clock that runs on evenly while the process lives: also when the machine's
  /// time of day is set, or another database server takes over with another clock. What deadlines are measured by.
  public var steady: Int64 { Self.microseconds(CLOCK_BOOTTIME) }

  /// A moment of ``steady`` by the database's clock as it is known now.
  public func database(_ moment: Int64) -> Int64 { moment + offset }

  /// Measures the offset.
  public func adjust(with lane: Lane) async throws(PostgreSQLError) {
    let before = steady
    let rows = try await lane.query(Self.ask)
    let after = steady
    guard let there = try rows.first?.int64(0) else { return }
    offset = Self.offset(known: offset, asked: before, answered: after, there: there)
  }

  /// What is known of the offset after a question: the database said `there` at some moment between `asked` and
  /// `answered`. An offset that agrees with that stands, and one that does not is moved no further than it must: an
  /// answer that was long under way says little.
  static func offset(known: Int64, asked: Int64, answered: Int64, there: Int64) -> Int64 {
    min(max(known, there - answered), there - asked)
  }

  private static let ask = Statement(
    "clock.ask", "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")

  private static func microseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }
}
