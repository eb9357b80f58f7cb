import Networking

/// A step of the schema's history: numbered, forward only, never changed once released.
public struct Migration: Sendable {
  /// Its place in the order, from 1.
  public let number: Int32
  /// What it brings, such as `event-log`.
  public let name: String
  /// Any number of SQL statements without parameters and without transaction control.
  public let sql: String

  /// Creates a migration.
  public init(number: Int32, name: String, sql: String) {
    self.number = number
    self.name = name
    self.sql = sql
  }

  /// FNV-1a over the SQL: notices a migration that was changed after it was applied.
  var checksum: Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in sql.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int64(bitPattern: hash)
  }
}

/// Brings a database's schema up to date.
///
/// Each migration is a transaction of its own that first takes an advisory lock, so several processes may do this at
/// once, and one that is interrupted leaves whole steps. What was applied is in `schema_migration`.
public enum Migrations {
  /// Applies those of `migrations` that the database has not seen, in order.
  ///
  /// - Parameters:
  ///   - migrations: all there are, in order.
  ///   - lane: to the database; held meanwhile.
  ///   - deadline: for each of them.
  /// - Returns: the numbers of those applied now.
  /// - Throws: ``PostgreSQLError/Kind/misconfigured`` if one that was applied has changed since, or the database has
  ///   one that is newer than all of `migrations`; else the server's error.
  @discardableResult
  public static func run(
    _ migrations: [Migration], on lane: Lane, deadline: Duration = .seconds(300)
  ) async throws -> [Int32] {
    try check(migrations)
    try await lane.transaction(deadline: deadline) { transaction in
      _ = try await transaction.pipeline([Call(noTimeout), Call(lock), Call(table)], commit: true)
    }
    try await refuseNewer(than: migrations.last?.number ?? 0, on: lane)
    var applied: [Int32] = []
    for migration in migrations {
      if try await apply(migration, on: lane, deadline) { applied.append(migration.number) }
    }
    return applied
  }

  /// The numbers that the database has; empty where it has never been migrated.
  public static func applied(on lane: Lane) async throws(PostgreSQLError) -> [Int32] {
    guard try await !lane.query(exists)[0].isNull(0) else { return [] }
    var numbers: [Int32] = []
    for row in try await lane.query(all) { numbers.append(try row.int32(0)) }
    return numbers
  }

  /// A table in use is waited for a little at a time: who waits for its lock keeps everybody else from it.
  private static func apply(_ migration: Migration, on lane: Lane, _ deadline: Duration) async throws -> Bool {
    let end = ContinuousClock.now + deadline
    while true {
      do {
        return try await lane.transaction(deadline: deadline) { try await apply(migration, in: $0) }
      } catch let error as PostgreSQLError where error.sqlState == "55P03" && ContinuousClock.now < end {
        try await lane.loop.sleep(for: .seconds(1))
      }
    }
  }

  private static func apply(_ migration: Migration, in transaction: Transaction) async throws -> Bool {
    let found = try await transaction.pipeline([
      Call(noTimeout), Call(lock), Call(find, .int32(migration.number)),
    ])[2]
    if let row = found.first {
      guard try row.int64(1) == migration.checksum else {
        throw PostgreSQLError(
          .misconfigured,
          "migration \(migration.number) (\(migration.name)) was applied with other contents: "
            + "restore its text and add a new one"
        )
      }
      return false
    }
    try await transaction.script("SET LOCAL lock_timeout = '2s'")
    try await transaction.script(migration.sql)
    try await transaction.pipeline(
      [Call(insert, .int32(migration.number), .text(migration.name), .int64(migration.checksum))], commit: true)
    return true
  }

  private static func check(_ migrations: [Migration]) throws(PostgreSQLError) {
    for (index, migration) in migrations.enumerated() where migration.number != Int32(index + 1) {
      throw PostgreSQLError(
        .misconfigured, "migration \(migration.number) (\(migration.name)) is number \(index + 1) in the list")
    }
  }

  private static func refuseNewer(than last: Int32, on lane: Lane) async throws(PostgreSQLError) {
    guard let newest = try await applied(on: lane).max(), newest > last else { return }
    throw PostgreSQLError(
      .misconfigured, "the database has migration \(newest), this program knows \(last): run the newer program")
  }

  /// `carillon` as a number: what all who migrate agree on.
  private static let lock = Statement("migrations.lock", "SELECT pg_advisory_xact_lock(7165345310)")
  private static let noTimeout = Statement(
    "migrations.settings", "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)")
  private static let table = Statement(
    "migrations.table",
    """
    CREATE TABLE IF NOT EXISTS schema_migration (
      number integer PRIMARY KEY, name text NOT NULL, checksum bigint NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now())
    """)
  private static let exists = Statement("migrations.exists", "SELECT to_regclass('schema_migration')::text")
  private static let all = Statement("migrations.all", "SELECT number FROM schema_migration ORDER BY number")
  private static let find = Statement(
    "migrations.find", "SELECT name, checksum FROM schema_migration WHERE number = $1")
  private static let insert = Statement(
    "migrations.insert", "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)")
}
