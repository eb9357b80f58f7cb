import Cryptography
import EventLog
import Networking
import PostgreSQL

/// The end of sessions that just stop: the fold has no clock of its own, so this tells it (docs/architecture.md,
/// section 2.1). Again every 30 s until the row has changed; a POST since then makes it void.
actor LostSessions: Activity {
  private struct Silence: Hashable {
    var device: UUID128
    var session: UUID128
    var lastPost: Int64
    var post: [UInt8]
  }

  private static let page: Int32 = 500

  private nonisolated let loop: EventLoop
  private let lanes: OutboxLanes
  private let lane: Lane
  private let records: RecordAppender
  private var reminders = Reminders<Silence>(every: .seconds(30))
  /// How far a sweep that takes several rounds has come.
  private var from: (lastPost: Int64, device: UUID128)?

  nonisolated let name = "lost-sessions"
  nonisolated let period: Duration = .seconds(2)
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ lanes: OutboxLanes, _ lane: Lane, _ records: RecordAppender) {
    self.lanes = lanes
    self.lane = lane
    self.records = records
    loop = lane.loop
  }

  func round() async throws -> Round {
    let owned = await lanes.owned
    guard !owned.isEmpty else { return Round() }
    let rows = try await lane.query(
      Self.silent, .int16s(owned), .int32(Self.page), .timestamp(from?.lastPost ?? 0), .uuid(from?.device ?? .zero))
    let found = try rows.map { row in
      Silence(
        device: try row.uuid(0), session: try row.uuid(1), lastPost: try row.timestamp(2),
        post: try row.optionalBytes(3) ?? [])
    }
    let hasMore = found.count == Int(Self.page)
    from = hasMore ? found.last.map { ($0.lastPost, $0.device) } : nil
    let now = ContinuousClock.now
    let due = reminders.due(found, now: now)
    let told = try await records.append(
      due.map { CPEMessage(.lost, device: $0.device, session: $0.session, post: PostID(bytes: $0.post)) })
    reminders.note(due, now: now)
    return Round("lost", told, hasMore: hasMore)
  }

  private static let silent = Statement(
    "scheduler.silent_sessions",
    """
    SELECT device, id, last_post_at, post FROM session
     WHERE last_post_at <= now() - interval '5 s' AND last_post_at + lost_after <= now()
       AND get_byte(uuid_send(device), 15) & 15 = ANY ($1::smallint[])
       AND (last_post_at, device) > ($3, $4)
     ORDER BY last_post_at, device LIMIT $2
    """)
}
