/// A transaction under way on a lane, which it holds until it ends: made by ``Lane/transaction(deadline:_:)``.
public struct Transaction: Sendable {
  let lane: Lane
  let hold: Int

  /// Runs one statement. One that fails fails the transaction.
  public func query(_ statement: Statement, _ parameters: PostgreSQLValue...) async throws(PostgreSQLError) -> Rows {
    try await lane.run([Call(statement, parameters)], in: hold, commit: false)[0]
  }

  /// Runs several statements in order in one round trip.
  ///
  /// - Parameters:
  ///   - calls: what to run.
  ///   - commit: sends the COMMIT along; the transaction is over when this returns, and committed.
  /// - Returns: the rows of each call.
  @discardableResult
  public func pipeline(_ calls: [Call], commit: Bool = false) async throws(PostgreSQLError) -> [Rows] {
    try await lane.run(calls, in: hold, commit: commit)
  }

  /// Runs SQL text of any number of statements without parameters and without transaction control: for migrations.
  public func script(_ sql: String) async throws(PostgreSQLError) {
    try await lane.run(script: sql, in: hold)
  }
}

extension Lane {
  /// Runs `body` in a transaction and commits it; rolls back if `body` throws.
  ///
  /// BEGIN travels with the first statements. The lane serves nobody else meanwhile: do not wait for anything else in
  /// `body`, and above all for nothing on this lane but through the transaction.
  ///
  /// - Parameters:
  ///   - deadline: from now, for the whole; after it the transaction is rolled back and its calls fail.
  ///   - body: runs where the caller does.
  /// - Throws: what `body` throws, or ``PostgreSQLError`` of BEGIN or COMMIT.
  public nonisolated func transaction<Value>(
    deadline: Duration? = nil, _ body: (Transaction) async throws -> Value
  ) async throws -> Value {
    let transaction = Transaction(lane: self, hold: try await acquire(deadline: deadline))
    do {
      let value = try await body(transaction)
      try await commit(transaction.hold)
      return value
    } catch {
      await rollBack(transaction.hold)
      throw error
    }
  }
}
