public import Networking

/// One pipelined connection to PostgreSQL on an event loop, with a bounded queue before it.
///
/// Each turn of the loop takes all calls that wait, sends them and one Sync; so an idle lane sends at once, and on a
/// busy one batches form by themselves. Statements between two Syncs are one implicit transaction: when one of them
/// fails, the server undoes its neighbours, and the lane runs those again, each alone; a caller sees only what its own
/// statements did. No order between separate calls is promised.
///
/// A broken connection is made anew in the background; meanwhile calls wait until their deadlines. Calls that were
/// under way fail with ``PostgreSQLError/Kind/connectionLost`` and ``PostgreSQLError/isOutcomeUnknown``.
///
/// The lane is pinned to its loop: awaiting it from code on the same loop costs no hop. Callbacks of code on the loop
/// use ``submit(_:deadline:alone:_:)``. Call ``close()`` when done.
public actor Lane {
  /// The loop that it lives on.
  public nonisolated let loop: EventLoop
  nonisolated let core: LaneCore

  /// Runs on the loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Starts to connect. May be called from anywhere.
  ///
  /// - Throws: ``PostgreSQLError/Kind/misconfigured`` if the connection string cannot be understood.
  public init(on loop: EventLoop, _ settings: LaneSettings) throws(PostgreSQLError) {
    self.loop = loop
    core = try LaneCore(on: loop, settings)
  }

  /// Whether there is a connection that takes statements; to be read from anywhere.
  public nonisolated var isReady: Bool { core.isReady }

  /// Whether ``close()`` was called; to be read from anywhere.
  public nonisolated var isClosed: Bool { core.isClosed }

  /// Waits until there is a connection.
  ///
  /// - Throws: ``PostgreSQLError`` with the reason of the last failed attempt when `deadline` has passed.
  public func waitUntilReady(deadline: Duration = .seconds(10)) async throws(PostgreSQLError) {
    _ = try await query(Lane.ping, deadline: deadline)
  }

  private static let ping = Statement("lane.ping", "SELECT 1")

  /// Runs one statement.
  ///
  /// - Parameters:
  ///   - statement: what to run.
  ///   - parameters: `$1` and on.
  ///   - deadline: from now; nil is ``LaneSettings/deadline``.
  ///   - alone: with a Sync, so a transaction, of its own: for statements that cannot run in a transaction block, or
  ///     whose locks must not be held until a neighbour is done.
  public func query(
    _ statement: Statement, _ parameters: PostgreSQLValue..., deadline: Duration? = nil, alone: Bool = false
  ) async throws(PostgreSQLError) -> Rows {
    let results = try await run([Call(statement, parameters)], deadline: deadline, alone: alone)
    return results[0]
  }

  /// Runs several statements in order in one round trip as one transaction: all or none.
  ///
  /// - Parameters:
  ///   - calls: what to run.
  ///   - deadline: from now; nil is ``LaneSettings/deadline``.
  ///   - alone: as with ``query(_:_:deadline:alone:)``.
  /// - Returns: the rows of each call.
  public func pipeline(
    _ calls: [Call], deadline: Duration? = nil, alone: Bool = false
  ) async throws(PostgreSQLError) -> [Rows] {
    try await run(calls, deadline: deadline, alone: alone)
  }

  /// Runs SQL text of any number of statements without parameters, by the simple protocol: for migrations and tests.
  /// Waits until the lane is empty and holds it meanwhile.
  public func script(_ sql: String, deadline: Duration? = nil) async throws(PostgreSQLError) {
    _ = try await run(script: sql, deadline: deadline)
  }

  /// Runs calls for code on the loop that is no task, such as the gateway's.
  ///
  /// - Precondition: called on the lane's loop.
  /// - Parameters:
  ///   - calls: run in order in one transaction.
  ///   - deadline: from now; nil is ``LaneSettings/deadline``.
  ///   - alone: as with ``query(_:_:deadline:alone:)``.
  ///   - completion: called on the loop, exactly once; never before this returns.
  public nonisolated func submit(
    _ calls: [Call], deadline: Duration? = nil, alone: Bool = false,
    _ completion: @escaping (Result<[Rows], PostgreSQLError>) -> Void
  ) {
    core.submit(.calls(calls), deadline: deadline, alone: alone, completion)
  }

  /// Receives notifications of `channel`, also after a reconnect (those sent in between are lost: they are hints).
  ///
  /// - Precondition: called on the lane's loop.
  public nonisolated func listen(_ channel: String, _ handler: @escaping (_ payload: String) -> Void) {
    core.listen(channel, handler)
  }

  /// Ends the connection; what waits or is under way fails with ``PostgreSQLError/Kind/closed``. Harmless when the loop
  /// has ended, and the connection with it.
  public nonisolated func close() async { _ = try? await loop.run { [core] in core.close() } }

  /// Does what ``close()`` does without waiting for it.
  public nonisolated func closeSoon() { loop.runSoon { [core] in core.close() } }
}
