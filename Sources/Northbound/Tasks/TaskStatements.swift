import PostgreSQL

/// The API's SQL of tasks; what makes and ends them is `TaskStore`'s.
enum TaskStatements {
  /// A task, live or over, in one snapshot. $1: task.
  static let find = Statement(
    "tasks.find",
    """
    SELECT \(TaskRecord.liveColumns) FROM task t LEFT JOIN device d ON d.id = t.device WHERE t.id = $1
    UNION ALL
    SELECT \(TaskRecord.historyColumns) FROM task_history t LEFT JOIN device d ON d.id = t.device WHERE t.id = $1
    LIMIT 1
    """)

  /// $1: task. Waits for whoever changes it.
  static let lock = Statement("tasks.lock", "SELECT state FROM task WHERE id = $1 FOR UPDATE")

  /// What a request for a task needs to know first. The lock keeps two requests of one key apart, and one snapshot
  /// after it sees the task of that key either live or in the history, whatever the worker does meanwhile. $1: device,
  /// $2: key.
  static let lockKey = Statement(
    "tasks.lock_key", "SELECT pg_advisory_xact_lock(hashtextextended($2, hashtextextended($1::uuid::text, 0)))")

  /// Tasks of a key, live or over for less than a day. $1: device, $2: key.
  static let ofKey = Statement(
    "tasks.of_key",
    """
    SELECT \(TaskRecord.liveColumns) FROM task t LEFT JOIN device d ON d.id = t.device
     WHERE t.device = $1 AND t.idempotency_key = $2
    UNION ALL
    SELECT \(TaskRecord.historyColumns) FROM task_history t LEFT JOIN device d ON d.id = t.device
     WHERE t.device = $1 AND t.idempotency_key = $2 AND t.finished_at > now() - interval '1 day'
    ORDER BY 1 DESC LIMIT 1
    """)

  /// The device, kept from being deleted meanwhile; the time; live tasks by the API. $1: device.
  static let prepare = Statement(
    "tasks.prepare",
    """
    SELECT now(), (SELECT count(*) FROM task t WHERE t.device = d.id AND t.origin = 1)::integer
      FROM device d WHERE d.id = $1 FOR KEY SHARE
    """)

  /// Before ``dependency``: waits for a worker that is about to end the task, and keeps another from beginning to. What
  /// became of it is seen by the next statement only. $1: task, $2: device.
  static let lockDependency = Statement(
    "tasks.lock_dependency", "SELECT FROM task WHERE id = $1 AND device = $2 FOR SHARE")

  /// A task that another may wait for: its state, live or over. $1: task, $2: device.
  static let dependency = Statement(
    "tasks.dependency",
    """
    SELECT state FROM task WHERE id = $1 AND device = $2
    UNION ALL SELECT state FROM task_history WHERE id = $1 AND device = $2 LIMIT 1
    """)

  /// The newest tasks before an id, of a device or of all, of some states or all. The states choose between the table
  /// of live tasks and the history; `nil` takes both.
  static func list(ofDevice: Bool, live: Bool, history: Bool) -> Statement {
    lists[(ofDevice ? 4 : 0) + (live ? 2 : 0) + (history ? 1 : 0)]
  }

  /// $1: before this id, $2: how many, $3: states, $4: method or null, $5: device where it is of one.
  private static let lists: [Statement] = (0..<8).map { number in
    let condition = """
      t.id < $1 AND t.state = ANY ($3::smallint[]) AND ($4::text IS NULL OR t.method = $4)\
      \(number & 4 != 0 ? " AND t.device = $5" : "")
      """
    func part(_ columns: String, _ table: String) -> String {
      """
      (SELECT \(columns) FROM \(table) t LEFT JOIN device d ON d.id = t.device
        WHERE \(condition) ORDER BY t.id DESC LIMIT $2)
      """
    }
    var parts: [String] = []
    if number & 2 != 0 { parts.append(part(TaskRecord.liveColumns, "task")) }
    if number & 1 != 0 { parts.append(part(TaskRecord.historyColumns, "task_history")) }
    if parts.isEmpty { parts = [part(TaskRecord.liveColumns, "task")] }
    return Statement(
      "tasks.list\(number)",
      "SELECT * FROM (\(parts.joined(separator: " UNION ALL "))) AS t ORDER BY 1 DESC LIMIT $2")
  }
}
