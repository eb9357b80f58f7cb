/// Whether what the server says it has committed survives what it must (promises P1 and P2, docs/architecture.md,
/// section 1): on a disk, and where there is a standby that may take over, on that too.
public enum CommitDurability {
  /// Checks the server that the lane is connected to.
  ///
  /// Once `synchronous_standby_names` is set, no commit returns before such a standby has it, so that need not be
  /// connected now. A stream of logical changes and the tools that copy or archive the log are no standbys.
  /// - Parameter allowsAsynchronousStandby: whether a failover may lose what was acknowledged, by the operator's own
  ///   word (`database.allow_asynchronous_standby`).
  /// - Throws: `misconfigured` with what is to be changed.
  public static func check(on lane: Lane, allowsAsynchronousStandby: Bool) async throws(PostgreSQLError) {
    guard let row = try await lane.query(facts).first else { return }
    let commit = try row.text(0)
    if commit == "off" {
      throw PostgreSQLError(
        .misconfigured,
        "synchronous_commit is off: a crash of the server loses what was acknowledged; set it to on, or take the "
          + "setting away from the role and the database")
    }
    let standbys = try row.int64(2)
    let names = try row.text(1)
    guard standbys > 0 || !names.isEmpty, !allowsAsynchronousStandby else { return }
    let remedy = "or allow the loss by database.allow_asynchronous_standby: true"
    if names.isEmpty {
      throw PostgreSQLError(
        .misconfigured,
        "the server has \(standbys == 1 ? "a standby that is" : "\(standbys) standbys that are") not synchronous: a "
          + "failover loses tasks that the API has accepted; set synchronous_standby_names, \(remedy)")
    }
    guard commit == "on" || commit == "remote_apply" else {
      throw PostgreSQLError(
        .misconfigured,
        "synchronous_commit is \(commit): commits do not wait for the standby's disk; set it to on, \(remedy)")
    }
  }

  /// Who is not allowed to see the other columns of pg_stat_replication still sees a row a stream.
  private static let facts = Statement(
    "commit_durability.facts",
    """
    SELECT current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),
           (SELECT count(*) FROM pg_stat_replication r
             WHERE r.state IS DISTINCT FROM 'backup'
               AND coalesce(r.application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')
               AND NOT EXISTS (SELECT FROM pg_replication_slots s
                                WHERE s.active_pid = r.pid AND s.slot_type = 'logical'))
    """)
}
