public import PostgreSQL

// After PostgreSQL was restored from a backup: `carillon migrate --restored` (docs/architecture.md, section 3).
extension PostgreSQLLog {
  /// Begins a new incarnation of every topic: offsets after the backup's are given out a second time, and what is made
  /// from them (event ids, claims) must not be taken for what was made from them before. Workers go on where the
  /// backup's claims stand.
  ///
  /// - Parameter transaction: to be committed by the caller, while no role runs.
  public static func beginIncarnation(in transaction: Transaction) async throws(PostgreSQLError) {
    try await transaction.pipeline([Call(LogStatements.reincarnate), Call(LogStatements.forgetMembers)])
  }
}
