import PostgreSQL

extension Lane {
  /// A transaction that is tried again, twice at most, where a deadlock with a worker or a serialisation ended it
  /// (SQLSTATE class 40): the server has undone it, so nothing happens twice.
  nonisolated func retryingTransaction<Value>(_ body: (Transaction) async throws -> Value) async throws -> Value {
    for _ in 0..<2 {
      do {
        return try await transaction(body)
      } catch let error as PostgreSQLError where error.sqlState.hasPrefix("40") && !error.isOutcomeUnknown {
        continue
      }
    }
    return try await transaction(body)
  }
}

extension Lane {
  /// Runs a statement that is planned for its very parameters: a filter's generic plan walks the primary key through
  /// the whole fleet (measured with 500,000 devices: a serial number's beginning 1077 ms instead of 0.2, a rare tag 252
  /// instead of 2).
  nonisolated func search(_ statement: Statement, _ parameters: [PostgreSQLValue]) async throws(PostgreSQLError) -> Rows
  {
    try await pipeline([Call(planEachTime), Call(statement, parameters)], alone: true)[1]
  }
}

/// For the rest of its transaction.
private let planEachTime = Statement(
  "lane.plan_each_time", "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
