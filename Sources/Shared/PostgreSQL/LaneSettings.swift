/// How a lane connects and what it bounds.
public struct LaneSettings: Sendable {
  /// A libpq connection string or URI: hosts, database, user, `sslmode`, `target_session_attrs`, ... (libpq's own
  /// environment variables and password file count too). Secret: it may hold a password.
  public var connection: String
  /// Shown in `pg_stat_activity`.
  public var applicationName: String
  /// The server gives up a statement after this; also what a stuck one can cost the lane.
  public var statementTimeout: Duration = .seconds(10)
  /// The server gives up waiting for a lock after this.
  public var lockTimeout: Duration = .seconds(5)
  /// Further settings of each session, such as `enable_seqscan` → `off`.
  public var session: [String: String] = [:]
  /// For ``session``, where every read must find its rows by an index. A plan is made once and kept, often while the
  /// tables are all but empty: it must still be right when they are not. On an empty table the planner prefers to read
  /// all of it, and goes on so every time until somebody analyses the table. (`jit`: what reads a table of one row
  /// would be compiled for its forbidden cost.)
  public static let byIndex = ["enable_seqscan": "off", "enable_bitmapscan": "off", "jit": "off"]
  /// How long one attempt to connect may take, for each host.
  public var connectTimeout: Duration = .seconds(5)
  /// The deadline of calls that name none, from the call on, waiting for a connection included.
  public var deadline: Duration = .seconds(10)
  /// How many calls may wait to be sent.
  public var maximumWaiting = 4096
  /// How many bytes of parameters may wait to be sent.
  public var maximumWaitingBytes = 64 * 1024 * 1024
  /// How many calls may share one Sync.
  public var maximumBatch = 128
  /// How many bytes of parameters may share one Sync; a call that has more goes alone.
  public var maximumBatchBytes = 1024 * 1024
  /// How many Syncs may be unanswered: one that the server works on and one that it finds when it is done.
  public var maximumBatchesInFlight = 2
  /// The wait before the second attempt to connect; it doubles, with jitter, up to ``maximumBackoff``.
  public var minimumBackoff: Duration = .milliseconds(100)
  /// The longest wait between attempts to connect.
  public var maximumBackoff: Duration = .seconds(5)

  /// Settings with defaults for all but the connection.
  public init(connection: String, applicationName: String = "carillon") {
    self.connection = connection
    self.applicationName = applicationName
  }
}
