public import Cryptography
import Networking
public import PostgreSQL

/// A partition that is owned for now: what fences its owner's commits.
public struct Claim: Sendable, Hashable {
  /// The partition's number.
  public var part: Int32
  /// Goes up with each new owner.
  public var epoch: Int64
  /// The next offset to be read.
  public var nextOffset: Int64
  /// How often the partition was taken over since it last moved; over one means that its next record may crash its
  /// owner.
  public var starts: Int32
}

/// Ownership of a log's partitions by leases in PostgreSQL, the same for both logs: the fence stands where the effects
/// commit (docs/architecture.md, section 3). One per shard, on its loop.
///
/// Leases last six seconds by the database's clock and are renewed by every batch's swap and by ``tend()``, which also
/// seeks free partitions and names what is over this member's share.
public actor Claims {
  /// How long a lease lasts, and how long a silent member counts as live.
  public static let lease: Duration = .seconds(6)

  /// This member.
  public nonisolated let member: UUID128
  /// What is claimed: a topic with its generation, or `outbox`.
  public nonisolated let log: String
  private nonisolated let loop: EventLoop
  private let lane: Lane
  private let partitions: Int32?
  private var held: [Int32: Claim] = [:]
  private var declined: Set<Int32> = []
  private var isLeaving = false

  /// Runs on the loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates a member that owns nothing yet.
  /// - Parameters:
  ///   - partitions: how many there are; nil: those of the ranges of `cwmp.messages` that are read.
  ///   - lane: not the lane of the batches: leases must be renewed while one of those waits.
  public init(log: String, partitions: Int32?, member: UUID128 = .random(), lane: Lane) {
    self.log = log
    self.partitions = partitions
    self.member = member
    self.lane = lane
    loop = lane.loop
  }

  /// What opens new ranges of `cwmp.messages` to the members, on the lane of the leases.
  public nonisolated func opening(on log: any EventLog) -> RangeOpening {
    RangeOpening(claims: self.log, log: log, lane: lane)
  }

  /// What is owned now, by part.
  public var claims: [Int32: Claim] { held }

  /// A round: renews, seeks up to this member's share, and frees what stopped owners hold.
  /// - Returns: the parts that are over the share, to be released between batches.
  public func tend() async throws(PostgreSQLError) -> [Int32] {
    guard !isLeaving else { return [] }
    let rows = try await lane.pipeline([
      Call(Self.beat, .text(log), .uuid(member)),
      partitions.map { Call(Self.make, .text(log), .int32($0)) } ?? Call(Self.makeOfRanges, .text(log)),
      Call(Self.renew, .text(log), .uuid(member)),
      Call(partitions == nil ? Self.countOfRanges : Self.count, .text(log)),
      Call(Self.owned, .text(log), .uuid(member)),
    ])
    var surplus = try keep(rows[4])
    // Of each range of its own: partitions of an old one have no work, and who had only these would be idle.
    for row in rows[3] {
      let members = max(try row.int64(0), 1)
      let range = try row.int32(1)..<row.int32(2)
      let share = Int((try row.int64(3) + members - 1) / members)
      let mine = held.keys.filter(range.contains).sorted()
      if mine.count < share { try await seek(share - mine.count, in: range) }
      surplus += mine.dropFirst(share)
    }
    return surplus
  }

  /// What a batch's swap found: the claim as it is after its commit.
  public func moved(_ part: Int32, to offset: Int64) {
    held[part]?.nextOffset = offset
    held[part]?.starts = 0
  }

  /// Gives partitions back so that others can take them at once.
  public func release(_ parts: [Int32]) async throws(PostgreSQLError) {
    for part in parts { held[part] = nil }
    _ = try await lane.query(Self.giveBack, .text(log), .uuid(member), .int32s(parts))
  }

  /// Gives a partition back for good: this member never claims it again.
  public func decline(_ part: Int32) async throws(PostgreSQLError) {
    declined.insert(part)
    try await release([part])
  }

  /// Gives everything back and stops being a member.
  public func leave() async throws(PostgreSQLError) {
    isLeaving = true
    let parts = Array(held.keys)
    held = [:]
    _ = try await lane.pipeline([
      Call(Self.giveBack, .text(log), .uuid(member), .int32s(parts)), Call(Self.resign, .text(log), .uuid(member)),
    ])
  }

  /// The first statement of a batch's transaction: moves the claims on, if they are still this member's. Returns the
  /// parts that were moved; a part that is missing is lost.
  public nonisolated func swap(_ moves: [(claim: Claim, to: Int64)]) -> Call {
    let sorted = moves.sorted { $0.claim.part < $1.claim.part }
    return Call(
      Self.swap, .text(log), .uuid(member), .int32s(sorted.map(\.claim.part)), .int64s(sorted.map(\.claim.epoch)),
      .int64s(sorted.map(\.claim.nextOffset)), .int64s(sorted.map(\.to)))
  }

  /// After a restore nobody owns anything: a member that was cut off while the others were stopped lives on, and would
  /// go on from where it had come to, which the database no longer knows.
  public static func noteRestore(in transaction: Transaction) async throws {
    _ = try await transaction.query(forgetOwners)
  }

  /// Reads anew what is owned: after a batch whose commit may or may not have happened.
  public func reload() async throws(PostgreSQLError) {
    let rows = try await lane.query(Self.owned, .text(log), .uuid(member))
    held = [:]
    for row in rows {
      let claim = try Claim(row)
      if !declined.contains(claim.part) { held[claim.part] = claim }
    }
  }

  /// Forgets what is another's by now; what is owned is as this member's own batches left it. What is owned without
  /// being known here was taken, or not given back, by a statement whose answer was lost: nobody else would take it,
  /// since its lease is renewed.
  /// - Returns: what is owned and was declined.
  private func keep(_ rows: Rows) throws(PostgreSQLError) -> [Int32] {
    var owned: [Int32: Claim] = [:]
    for row in rows {
      let claim = try Claim(row)
      owned[claim.part] = claim
    }
    for (part, claim) in held where owned[part]?.epoch != claim.epoch { held[part] = nil }
    for (part, claim) in owned where held[part] == nil && !declined.contains(part) { held[part] = claim }
    return owned.keys.filter { declined.contains($0) }.sorted()
  }

  private func seek(_ count: Int, in range: Range<Int32>) async throws(PostgreSQLError) {
    let rows = try await lane.query(
      Self.take, .text(log), .uuid(member), .int32(Int32(clamping: count)), .int32s(declined.sorted()),
      .int32(range.lowerBound), .int32(range.upperBound), alone: true)
    for row in rows {
      let claim = try Claim(row)
      held[claim.part] = claim
    }
    // A lease that is overdue and still locked: its owner was stopped in mid-transaction, and only ending its backend
    // frees the row. The holder is whoever runs the transaction in the row's xmax, never a stored pid.
    if rows.count < count { _ = try await lane.query(Self.free, .text(log), alone: true) }
  }

  private static let beat = Statement(
    "claims.beat",
    """
    INSERT INTO log_member (log, id, live_until) VALUES ($1, $2, clock_timestamp() + interval '6 s')
    ON CONFLICT (log, id) DO UPDATE SET live_until = EXCLUDED.live_until
    """)

  private static let make = Statement(
    "claims.make",
    """
    INSERT INTO log_claim (log, part) SELECT $1, n FROM generate_series(0, $2::integer - 1) AS n
     WHERE NOT EXISTS (SELECT FROM log_claim c WHERE c.log = $1 AND c.part = n)
    ON CONFLICT DO NOTHING
    """)

  private static let makeOfRanges = Statement(
    "claims.make_of_ranges",
    """
    INSERT INTO log_claim (log, part)
    SELECT $1, n FROM log_range r, generate_series(r.first, r.first + r.count - 1) AS n
     WHERE r.is_read AND NOT EXISTS (SELECT FROM log_claim c WHERE c.log = $1 AND c.part = n)
    ON CONFLICT DO NOTHING
    """)

  private static let renew = Statement(
    "claims.renew",
    """
    UPDATE log_claim SET lease_until = clock_timestamp() + interval '6 s'
     WHERE (log, part) IN (SELECT log, part FROM log_claim WHERE log = $1 AND owner = $2 ORDER BY part
                              FOR NO KEY UPDATE SKIP LOCKED)
    """)  // A row that is locked is being moved by this member's batch, which renews it.

  private static let owned = Statement(
    "claims.owned", "SELECT part, epoch, next_offset, starts FROM log_claim WHERE log = $1 AND owner = $2")

  /// Live members, and how many partitions there are of each range.
  private static let countOfRanges = Statement(
    "claims.count_of_ranges",
    """
    SELECT (SELECT count(*) FROM log_member WHERE log = $1 AND live_until > clock_timestamp()),
           r.first, r.first + r.count,
           (SELECT count(*) FROM log_claim c WHERE c.log = $1 AND c.part >= r.first AND c.part < r.first + r.count)
      FROM log_range r WHERE r.is_read ORDER BY r.first
    """)

  private static let count = Statement(
    "claims.count",
    """
    SELECT (SELECT count(*) FROM log_member WHERE log = $1 AND live_until > clock_timestamp()),
           0, 2147483647, (SELECT count(*) FROM log_claim WHERE log = $1)
    """)

  private static let take = Statement(
    "claims.take",
    """
    UPDATE log_claim c SET epoch = c.epoch + 1, owner = $2, starts = c.starts + 1,
                           lease_until = clock_timestamp() + interval '6 s'
      FROM (SELECT log, part FROM log_claim WHERE log = $1 AND (owner IS NULL OR lease_until < clock_timestamp())
               AND part <> ALL ($4::integer[]) AND part >= $5 AND part < $6
             ORDER BY lease_until, part LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED) AS f
     WHERE c.log = f.log AND c.part = f.part
    RETURNING c.part, c.epoch, c.next_offset, c.starts
    """)

  private static let free = Statement(
    "claims.free",
    """
    SELECT pg_terminate_backend(l.pid) FROM log_claim c
      JOIN pg_locks l ON l.locktype = 'transactionid' AND l.granted AND l.transactionid = c.xmax
     WHERE c.log = $1 AND c.owner IS NOT NULL AND c.lease_until < clock_timestamp() - interval '2 s'
       AND l.pid <> pg_backend_pid()
    """)

  private static let forgetOwners = Statement(
    "claims.forget_owners", "UPDATE log_claim SET owner = NULL, epoch = epoch + 1")

  private static let giveBack = Statement(
    "claims.give_back",
    """
    UPDATE log_claim SET owner = NULL, lease_until = '-infinity', starts = 0
     WHERE log = $1 AND owner = $2 AND part = ANY ($3::integer[])
    """)

  private static let resign = Statement("claims.resign", "DELETE FROM log_member WHERE log = $1 AND id = $2")

  private static let swap = Statement(
    "claims.swap",
    """
    UPDATE log_claim c SET next_offset = w.target, starts = 0, lease_until = clock_timestamp() + interval '6 s'
      FROM unnest($3::integer[], $4::bigint[], $5::bigint[], $6::bigint[]) AS w(part, epoch, old, target)
     WHERE c.log = $1 AND c.owner = $2 AND c.part = w.part AND c.epoch = w.epoch AND c.next_offset = w.old
       AND w.target > w.old
    RETURNING c.part
    """)
}

extension Claim {
  fileprivate init(_ row: Row) throws(PostgreSQLError) {
    self.init(part: try row.int32(0), epoch: try row.int64(1), nextOffset: try row.int64(2), starts: try row.int32(3))
  }
}
