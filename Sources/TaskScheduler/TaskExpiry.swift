import Cryptography
import Fleet
import Networking
import PostgreSQL

/// Queued tasks that were not sent by their deadline expire, and what depends on them fails (docs/architecture.md,
/// section 4). Tasks that were sent are ``OverdueTasks``'.
actor TaskExpiry: Activity {
  private static let batch: Int32 = 200

  private nonisolated let loop: EventLoop
  private let lane: Lane

  nonisolated let name = "task-expiry"
  nonisolated let period: Duration = .seconds(1)
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ lane: Lane) {
    self.lane = lane
    loop = lane.loop
  }

  func round() async throws -> Round {
    // A look without a transaction first: most rounds find nothing.
    guard try await lane.query(Self.any).first?.bool(0) == true else { return Round() }
    return try await lane.transaction { transaction in
      let expired = try Self.ids(try await transaction.query(Self.expired, .int32(Self.batch)))
      let dependents = try await Self.dependents(of: expired, in: transaction)
      try await TaskStore.finish(expired, .expired, fault: EndReason.expired, in: transaction)
      try await TaskStore.finish(dependents, .failed, fault: EndReason.dependency, in: transaction)
      var round = Round("expired", expired.count, hasMore: expired.count == Int(Self.batch))
      round.note("failed_dependents", dependents.count)
      return round
    }
  }

  /// The queued tasks that wait for `tasks`, and those that wait for them; locked.
  static func dependents(of tasks: [UUID128], in transaction: Transaction) async throws -> [UUID128] {
    var all: [UUID128] = []
    var known = Set(tasks)
    var last = tasks
    while !last.isEmpty {
      last = try ids(try await transaction.query(dependents, .uuids(last))).filter { known.insert($0).inserted }
      all += last
    }
    return all
  }

  static func ids(_ rows: Rows) throws -> [UUID128] { try rows.map { try $0.uuid(0) } }

  private static let any = Statement(
    "task_expiry.any", "SELECT EXISTS (SELECT FROM task WHERE deadline <= now() AND state = 1)")

  private static let expired = Statement(
    "task_expiry.expired",
    """
    SELECT id FROM task WHERE id IN (
        SELECT id FROM task WHERE deadline <= now() AND state = 1 ORDER BY deadline LIMIT $1)
       AND deadline <= now() AND state = 1
     ORDER BY id FOR UPDATE SKIP LOCKED
    """)

  private static let dependents = Statement(
    "task_expiry.dependents",
    "SELECT id FROM task WHERE depends_on = ANY ($1::uuid[]) AND state = 1 ORDER BY id FOR UPDATE")
}
