import Cryptography
import EventLog
import Networking
import PostgreSQL

/// Tasks that were sent and are past their deadline: the worker is told, again every 30 s until the row has changed
/// (docs/architecture.md, section 4). Queued ones are ``TaskExpiry``'s.
actor OverdueTasks: Activity {
  private struct Overdue: Hashable {
    var task: UUID128
    var device: UUID128
    var attempt: Int32
    var deadline: Int64
  }

  private static let page: Int32 = 500

  private nonisolated let loop: EventLoop
  private let lanes: OutboxLanes
  private let lane: Lane
  private let records: RecordAppender
  private var reminders = Reminders<Overdue>(every: .seconds(30))
  private var from: (deadline: Int64, task: UUID128)?

  nonisolated let name = "overdue-tasks"
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
      Self.overdue, .int16s(owned), .int32(Self.page), .timestamp(from?.deadline ?? 0), .uuid(from?.task ?? .zero))
    let found = try rows.map { row in
      Overdue(
        task: try row.uuid(0), device: try row.uuid(1), attempt: try row.int32(2), deadline: try row.timestamp(3))
    }
    let hasMore = found.count == Int(Self.page)
    from = hasMore ? found.last.map { ($0.deadline, $0.task) } : nil
    let now = ContinuousClock.now
    let due = reminders.due(found, now: now)
    let told = try await records.append(due.map(Self.message))
    reminders.note(due, now: now)
    return Round("due", told, hasMore: hasMore)
  }

  private static func message(_ overdue: Overdue) -> CPEMessage {
    var message = CPEMessage(.due, device: overdue.device, session: .zero)
    message.task = overdue.task
    message.attempt = overdue.attempt
    return message
  }

  private static let overdue = Statement(
    "scheduler.overdue_tasks",
    """
    SELECT id, device, attempt, deadline FROM task
     WHERE deadline <= now() AND state IN (2, 3, 4)
       AND get_byte(uuid_send(device), 15) & 15 = ANY ($1::smallint[])
       AND (deadline, id) > ($3, $4)
     ORDER BY deadline, id LIMIT $2
    """)
}
