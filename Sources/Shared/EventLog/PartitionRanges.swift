public import PostgreSQL

/// The ranges of partitions that `cwmp.messages` got one after another: `carillon migrate --partitions` adds one
/// (docs/architecture.md, section 3).
///
/// A device's records go to the newest range that has begun, for all gateways at the same moment. Workers read a new
/// range only when the ones before are folded to their ends: so a device is never in the hands of two of them, and its
/// records are folded in order. What still comes into an old range after that, from a gateway that had not heard, is
/// poured over into the new one.
public struct PartitionRanges: Sendable, Equatable {
  /// Partitions that follow one another.
  public struct Range: Sendable, Equatable {
    /// The number of the first.
    public var first: Int32
    /// How many there are.
    public var count: Int32
    /// From when on records go there: microseconds since 1970, database clock; `.max` while it is being made.
    public var beginsAt: Int64
    /// Whether workers read it.
    public var isRead: Bool

    /// Where a key goes within the range.
    public func partition(of key: some RandomAccessCollection<UInt8>) -> Int32 {
      first + Partitioning.partition(of: key, among: count)
    }

    /// A record of an older range as it is passed on to this one: as it was written, and marked.
    public func poured(_ record: LogRecord) -> OutgoingRecord {
      var headers = record.headers
      headers.append("poured", CollectionOfOne(1))
      return OutgoingRecord(
        partition: Partition(.messages, partition(of: record.key)), key: record.key, headers: headers,
        value: record.value)
    }
  }

  /// The ranges, the oldest first; never empty.
  public private(set) var ranges: [Range]

  /// One range that is in use.
  public init(count: Int32) { ranges = [Range(first: 0, count: count, beginsAt: .min, isRead: true)] }

  /// These ranges.
  init(_ ranges: [Range]) { self.ranges = ranges }

  /// How many partitions there are, or will be, in all.
  public var total: Int32 { ranges.reduce(0) { $0 + $1.count } }

  /// The newest range that workers read: records of those before it are poured into it.
  public var current: Range { ranges.last(where: \.isRead) ?? ranges[0] }

  /// Where a device's record goes.
  /// - Parameters:
  ///   - key: the device's id as text.
  ///   - now: microseconds since 1970, database clock.
  public func partition(of key: some RandomAccessCollection<UInt8>, at now: Int64) -> Int32 {
    (ranges.last { $0.beginsAt <= now } ?? ranges[0]).partition(of: key)
  }
}

// MARK: - In PostgreSQL

extension PartitionRanges {
  /// The table of ranges, for both logs.
  public static let migration = Migration(
    number: 3, name: "ranges of partitions",
    sql: """
      CREATE TABLE log_range (
        first integer PRIMARY KEY,               -- of cwmp.messages
        count integer NOT NULL,
        begins_at timestamptz NOT NULL,          -- infinity while it is being made
        is_read boolean NOT NULL DEFAULT false
      );
      """)

  /// How long before a new range begins everybody is given to hear of it; gateways look every ten seconds.
  public static let notice: Duration = .seconds(30)

  /// Reads the ranges.
  /// - Throws: ``PostgreSQLError/Kind/misconfigured`` before `carillon migrate`.
  public static func read(on lane: Lane) async throws(PostgreSQLError) -> PartitionRanges {
    try PartitionRanges(try await lane.query(all))
  }

  /// Reads the ranges; nil where there are none yet.
  public static func find(on lane: Lane) async throws(PostgreSQLError) -> PartitionRanges? {
    let rows = try await lane.query(all)
    return rows.isEmpty ? nil : try PartitionRanges(rows)
  }

  /// Notes the first range of a new log, once its topic is there; does nothing where there is one.
  public static func found(count: Int32, on lane: Lane) async throws(PostgreSQLError) {
    _ = try await lane.query(foundFirst, .int32(count))
  }

  /// Adds a range of `count` partitions, which begins once ``begin(on:)`` says so; the same one again where it has
  /// been added and not begun.
  /// - Throws: ``PostgreSQLError/Kind/misconfigured`` where that is not more than there are, or the range before is
  ///   still to be read.
  public static func add(count: Int32, on lane: Lane) async throws -> PartitionRanges {
    try await lane.transaction { transaction in
      _ = try await transaction.query(lock)
      let ranges = try PartitionRanges(try await transaction.query(all))
      guard let last = ranges.ranges.last else { return ranges }
      if last.count == count { return ranges }
      guard last.isRead else {
        throw PostgreSQLError(
          .misconfigured,
          "the \(last.count) partitions from \(last.first) on were added before and are not read yet: wait for that")
      }
      guard count > last.count else {
        throw PostgreSQLError(
          .misconfigured, "messages have \(last.count) partitions now; --partitions must say more, not \(count)")
      }
      _ = try await transaction.query(addNext, .int32(ranges.total), .int32(count))
      return try PartitionRanges(try await transaction.query(all))
    }
  }

  /// Lets the range that was added begin after ``notice``, once its partitions are there.
  public static func begin(on lane: Lane) async throws(PostgreSQLError) {
    _ = try await lane.query(beginNext, .int32(Int32(notice.components.seconds)))
  }

  /// Notes a range that a restore has lost and the topic still has, `count` partitions after those that are known. It
  /// begins at once, while no role runs: what is new goes behind the records that it holds.
  public static func recover(count: Int32, on lane: Lane) async throws(PostgreSQLError) {
    _ = try await lane.query(recoverLast, .int32(count))
  }

  private init(_ rows: Rows) throws(PostgreSQLError) {
    var ranges: [Range] = []
    for row in rows {
      ranges.append(
        Range(
          first: try row.int32(0), count: try row.int32(1), beginsAt: try row.optionalInt64(2) ?? .max,
          isRead: try row.bool(3)))
    }
    guard !ranges.isEmpty else {
      throw PostgreSQLError(.misconfigured, "log_range is empty: run `carillon migrate`")
    }
    self.ranges = ranges
  }

  private static let all = Statement(
    "ranges.all",
    """
    SELECT first, count, CASE WHEN isfinite(begins_at) THEN (extract(epoch FROM begins_at) * 1000000)::bigint END,
           is_read
      FROM log_range ORDER BY first
    """)

  private static let foundFirst = Statement(
    "ranges.found",
    """
    INSERT INTO log_range (first, count, begins_at, is_read) SELECT 0, $1::integer, now(), true
     WHERE NOT EXISTS (SELECT FROM log_range)
    """)

  private static let lock = Statement("ranges.lock", "SELECT FROM log_range ORDER BY first FOR UPDATE")

  private static let addNext = Statement(
    "ranges.add", "INSERT INTO log_range (first, count, begins_at) VALUES ($1, $2, 'infinity')")

  private static let recoverLast = Statement(
    "ranges.recover",
    "INSERT INTO log_range (first, count, begins_at) SELECT sum(count), $1, now() FROM log_range")

  private static let beginNext = Statement(
    "ranges.begin",
    "UPDATE log_range SET begins_at = now() + make_interval(secs => $1::integer) WHERE begins_at = 'infinity'")
}
