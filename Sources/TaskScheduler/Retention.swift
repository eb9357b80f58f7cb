import Networking
import PostgreSQL

/// Makes the history's partitions ahead of time, a week each, and drops those that are older than it is kept; removes
/// what else is left over.
actor Retention: Activity {
  private nonisolated let loop: EventLoop
  private let lane: Lane
  private let retention: Duration

  nonisolated let name = "retention"
  nonisolated let period: Duration = .seconds(600)
  nonisolated let deadline: Duration = .seconds(120)
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ lane: Lane, _ retention: Duration) {
    self.lane = lane
    self.retention = retention
    loop = lane.loop
  }

  func round() async throws -> Round {
    var round = Round()
    round.note("partitions_made", try await makePartitions())
    round.note("partitions_dropped", try await dropPartitions())
    let rows = try await lane.pipeline(
      [Call(Self.oldRows, .int64(retention.components.seconds)), Call(Self.idleWakeups), Call(Self.goneMembers)],
      alone: true)
    round.note("history_rows_deleted", rows[0].affected)
    round.note("wakeups_closed", rows[1].affected)
    return round
  }

  /// The coming weeks' partitions. The present week's finished tasks may be in the default partition already, and then
  /// stay there; ``oldRows`` deletes them in time.
  private func makePartitions() async throws -> Int {
    let weeks = try await lane.query(Self.missing)
    var made = 0
    for week in weeks {
      let (name, from, to) = (try week.text(0), try week.text(1), try week.text(2))
      // One at a time in a short transaction: the default partition is locked while its rows are looked at.
      let isNew = try await lane.transaction { transaction in
        guard try await transaction.query(Self.lock).first?.bool(0) == true else { return false }
        _ = try await transaction.query(Self.soon)
        try await transaction.script(
          "CREATE TABLE IF NOT EXISTS \(name) PARTITION OF task_history FOR VALUES FROM ('\(from)') TO ('\(to)')")
        return true
      }
      if isNew { made += 1 }
    }
    return made
  }

  private func dropPartitions() async throws -> Int {
    let old = try await lane.query(Self.old, .int64(retention.components.seconds))
    for partition in old {
      let name = try partition.text(0)
      try await lane.transaction { transaction in
        _ = try await transaction.query(Self.soon)
        try await transaction.script("DROP TABLE IF EXISTS \(name)")
      }
    }
    return old.count
  }

  /// Both lock the history whole, and all workers' writes wait behind who waits for that: a long reader (a backup) is
  /// not waited for, but tried again.
  private static let soon = Statement("retention.soon", "SELECT set_config('lock_timeout', '200ms', true)")

  /// Names are made of dates only: `task_history_20261123`.
  private static let missing = Statement(
    "retention.missing",
    """
    SELECT name, week::date::text || 'T00:00:00Z', (week + interval '7 days')::date::text || 'T00:00:00Z'
      FROM (SELECT week, 'task_history_' || to_char(week, 'YYYYMMDD') AS name
              FROM generate_series(date_trunc('week', now() AT TIME ZONE 'UTC') + interval '7 days',
                                   date_trunc('week', now() AT TIME ZONE 'UTC') + interval '21 days',
                                   interval '7 days') AS week) AS w
     WHERE to_regclass(name) IS NULL ORDER BY week
    """)

  private static let lock = Statement("retention.lock", "SELECT pg_try_advisory_xact_lock(7165345311)")

  private static let old = Statement(
    "retention.old",
    """
    SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'task_history'::regclass AND c.relname ~ '^task_history_[0-9]{8}$'
       AND to_date(right(c.relname::text, 8), 'YYYYMMDD') + 7
           < ((now() - make_interval(secs => $1)) AT TIME ZONE 'UTC')::date
    """)

  private static let oldRows = Statement(
    "retention.old_rows",
    """
    DELETE FROM task_history_default WHERE ctid IN (
      SELECT ctid FROM task_history_default WHERE finished_at < now() - make_interval(secs => $1) LIMIT 5000)
    """)

  private static let idleWakeups = Statement(
    "retention.idle_wakeups",
    """
    DELETE FROM wakeup w WHERE w.next_try < now() - interval '1 hour'
       AND NOT EXISTS (SELECT FROM task t WHERE t.device = w.device)
    """)

  private static let goneMembers = Statement(
    "retention.gone_members", "DELETE FROM log_member WHERE live_until < now() - interval '1 day'")
}
