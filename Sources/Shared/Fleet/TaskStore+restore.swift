import Cryptography
public import PostgreSQL

// After PostgreSQL was restored from a backup, or failed over to a standby that lacked commits: `carillon migrate
// --restored` (docs/architecture.md, section 3).
extension TaskStore {
  /// How many tasks' events are made at once.
  private static let chunk = 5000

  /// Renews the restore count, so that versions of tasks that are reached anew get event ids of their own and records
  /// of before are not answered, and puts every live task of once in doubt (P4).
  ///
  /// Also queued ones, which may have been sent after the backup was taken: their attempt becomes the one that would
  /// have been sent, so that an answer that is still on the log settles it. None of them knows any more when it was
  /// sent: that a device did not restart since is no longer evidence of anything, and would have it sent twice.
  ///
  /// - Parameter transaction: to be committed by the caller, while no role runs.
  /// - Returns: how many tasks are newly in doubt.
  public static func noteRestore(in transaction: Transaction) async throws -> Int {
    _ = try await transaction.query(renew)
    for statement in distrust { _ = try await transaction.query(statement) }
    let tasks = try await transaction.query(doubt).map { try $0.uuid(0) }
    _ = try await transaction.query(wake)
    for start in stride(from: 0, to: tasks.count, by: chunk) {
      let ids = PostgreSQLValue.uuids(Array(tasks[start..<min(start + chunk, tasks.count)]))
      let rows = try await transaction.pipeline([Call(cluster), Call(doubts, ids)])
      try await tell(rows[1], rows[0], in: transaction)
    }
    return tasks.count
  }

  /// The restore count: a number that is another one after each restore.
  /// - Throws: ``PostgreSQLError``.
  public static func restoreCount(on lane: Lane) async throws -> Int32 {
    try await lane.query(count).first?.int32(0) ?? 0
  }

  private static let count = Statement("task_store.restore_count", "SELECT restore_count FROM cluster_state")

  /// What was believed of devices is older than they are, and answers of before the restore, read again, must not make
  /// it believed again: no session goes on, and no attempt at what is repeatable is awaited. What policies had
  /// asked, of which nobody was told, is forgotten: they ask anew.
  private static let distrust = [
    Statement("task_store.forget_sessions", "DELETE FROM session"),
    Statement(
      "task_store.forget_planned", "DELETE FROM task WHERE NOT once AND state IN (2, 3) AND origin IN (2, 5)"),
    Statement(
      "task_store.queue_again",
      """
      UPDATE task SET state = 1, attempt = attempt + 1, post = NULL, session = NULL, changed_at = now()
       WHERE NOT once AND state IN (2, 3)
      """),
    Statement("task_store.forget_twins", "TRUNCATE twin_block, device_policy"),
    Statement(
      "task_store.forget_digests",
      "UPDATE device_contact SET digest = NULL, policy_epoch = 0 WHERE digest IS NOT NULL OR policy_epoch <> 0"),
  ]

  // Not the next number: two restores of one backup are two.
  private static let renew = Statement(
    "task_store.renew_restore_count",
    "UPDATE cluster_state SET restore_count = 1 + floor(random() * 2147483646)::integer")

  private static let doubt = Statement(
    "task_store.doubt",
    """
    WITH old AS (SELECT id, state FROM task WHERE once AND state IN (1, 2, 3, 4) ORDER BY id FOR UPDATE),
    new AS (
      UPDATE task t
         SET state = 4, attempt = t.attempt + CASE WHEN t.state = 1 THEN 1 ELSE 0 END, dispatched_at = NULL,
             post = NULL, version = t.version + 1, changed_at = now()
        FROM old WHERE t.id = old.id
      RETURNING t.id, old.state)
    SELECT id FROM new WHERE state <> 4 ORDER BY id
    """)

  /// Sessions that would have brought queued work have no wake-up, and those are forgotten.
  private static let wake = Statement(
    "task_store.wake_restored",
    """
    INSERT INTO wakeup (device, next_try)
    SELECT device, min(not_before) FROM task WHERE state = 1 GROUP BY device
    ON CONFLICT (device) DO UPDATE SET next_try = least(wakeup.next_try, EXCLUDED.next_try)
    """)

  private static let doubts = Statement(
    "task_store.doubts", event(version: "t.version", state: "'in_doubt'::text", fault: "t.fault"))
}
