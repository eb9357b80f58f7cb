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
