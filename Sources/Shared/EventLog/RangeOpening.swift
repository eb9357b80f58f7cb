import Networking
public import PostgreSQL

/// Lets workers read a new range of `cwmp.messages` once the ones before are folded to their ends.
///
/// The claims of the old partitions are locked meanwhile, so that no batch of theirs commits between the look and the
/// change, and go to new owners: who claims one after it pours it over and folds it no more.
public struct RangeOpening: Sendable {
  /// How far a range that has begun is from being read.
  public enum Progress: Sendable, Equatable {
    /// It is read from now on; the first of its partitions.
    case opened(Int32)
    /// These partitions before it are not folded to their ends yet.
    case waits(for: [Int32])
  }

  /// Records may be under way when a range begins; what comes later still is poured over.
  private static let patience = "500 ms"

  private let claims: String
  private let log: any EventLog
  private let lane: Lane

  /// - Parameters:
  ///   - claims: as ``Claims/log``.
  ///   - log: whose ends are looked at.
  ///   - lane: not one whose transactions wait for this one.
  public init(claims: String, log: any EventLog, lane: Lane) {
    self.claims = claims
    self.log = log
    self.lane = lane
  }

  /// Opens the range that has begun, if there is one and nothing is left in those before.
  /// - Returns: what has become of it; nil where there is none.
  public func tend() async throws -> Progress? {
    guard let first = try await lane.query(Self.pending).first?.int32(0) else { return nil }
    let parts = Array(0..<first)
    var ends: [Int64] = []
    for part in parts { ends.append(try await log.end(of: Partition(.messages, part))) }
    let behind = [PostgreSQLValue.text(claims), .int32s(parts), .int64s(ends)]
    // A look without locks first: a backlog may take hours.
    let waits = try await lane.query(Self.behind, behind[0], behind[1], behind[2]).map { try $0.int32(0) }
    guard waits.isEmpty else { return .waits(for: waits) }
    // Leases are renewed on this lane, too.
    return try await lane.transaction(deadline: .seconds(2)) { transaction in
      guard try await !transaction.query(Self.take, .int32(first)).isEmpty else { return nil }
      _ = try await transaction.query(Self.lock, .text(claims), .int32(first))
      guard try await transaction.query(Self.behind, behind[0], behind[1], behind[2]).isEmpty else { return nil }
      try await transaction.pipeline([Call(Self.free, .text(claims), .int32(first)), Call(Self.open, .int32(first))])
      return .opened(first)
    }
  }

  private static let pending = Statement(
    "opening.pending",
    """
    SELECT first FROM log_range WHERE NOT is_read AND begins_at < clock_timestamp() - interval '\(patience)'
     ORDER BY first LIMIT 1
    """)

  /// Which of the partitions are not folded to these ends.
  private static let behind = Statement(
    "opening.behind",
    """
    SELECT e.part FROM unnest($2::integer[], $3::bigint[]) AS e(part, after)
      LEFT JOIN log_claim c ON c.log = $1 AND c.part = e.part
     WHERE c.next_offset IS NULL OR c.next_offset < e.after
     ORDER BY 1
    """)

  private static let take = Statement(
    "opening.take", "SELECT FROM log_range WHERE first = $1 AND NOT is_read FOR UPDATE SKIP LOCKED")

  private static let lock = Statement(
    "opening.lock",
    "SELECT FROM log_claim WHERE log = $1 AND part < $2 ORDER BY part FOR NO KEY UPDATE")

  private static let free = Statement(
    "opening.free",
    """
    UPDATE log_claim SET epoch = epoch + 1, owner = NULL, lease_until = '-infinity', starts = 0
     WHERE log = $1 AND part < $2
    """)

  private static let open = Statement("opening.open", "UPDATE log_range SET is_read = true WHERE first = $1")
}
