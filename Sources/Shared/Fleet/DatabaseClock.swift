import Glibc
public import PostgreSQL

/// The database's clock, kept by its offset to this machine's: what ids, deadlines and the fold's time go by, also
/// while PostgreSQL is away (docs/architecture.md, section 2.1). Lives on one loop.
public final class DatabaseClock {
  private var offset: Int64 = 0
  /// Whether the offset was ever measured.
  public private(set) var isSet = false

  /// A clock that goes by this machine until it was set.
  public init() {}

  /// Microseconds since 1970, database clock.
  public var now: Int64 { Self.local + offset }

  /// Measures the offset: half of the round trip is taken for the way back.
  public func adjust(with lane: Lane) async throws(PostgreSQLError) {
    let before = Self.local
    let rows = try await lane.query(Self.ask)
    let after = Self.local
    guard let there = try rows.first?.int64(0) else { return }
    offset = there - (before + (after - before) / 2)
    isSet = true
  }

  private static let ask = Statement(
    "clock.ask", "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")

  private static var local: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }
}
