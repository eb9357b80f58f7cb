import EventLog
import Fleet
import PostgreSQL
import Testing

@testable import Gateway
@testable import SessionWorker

@Suite("Plans of the worker's and the gateway's statements")
struct PlanTests {
  static let statements = [
    BatchStatements.contacts, BatchStatements.tasks, BatchStatements.devices, BatchStatements.sessions,
    BatchStatements.credentials, BatchStatements.twins, BatchStatements.twinBlocks, BatchStatements.policies,
    BatchStatements.touchContacts, BatchStatements.deleteSessions, BatchStatements.deleteTasks,
    TaskStore.closeWakeups, TaskStore.lockWakeups, BatchStatements.writeOutbox, BatchStatements.writeMethods,
    BatchStatements.deleteBlocks, BatchStatements.deleteSubtrees, BatchStatements.deletePolicies,
    CredentialStore.ofUsernames, CredentialStore.ofDevices,
  ]

  @Test("made on empty tables and kept, they still find each device's rows by an index", arguments: statements)
  func indexed(_ statement: Statement) async throws {
    try await TestPostgreSQL.withDatabase(migrations: [LogSchema.migration] + FleetSchema.migrations) { database in
      var settings = database.settings
      settings.session = LaneSettings.byIndex
      settings.session["plan_cache_mode"] = "force_generic_plan"
      try await database.withLane(settings) { lane in
        let plan = try await lane.transaction(deadline: .seconds(10)) { transaction in
          try await transaction.script("PREPARE p AS \(statement.sql)")
          let number = (1...6).last { statement.sql.contains("$\($0)") } ?? 1
          let nulls = Array(repeating: "NULL", count: number).joined(separator: ", ")
          return try await transaction.query(Statement("explain", "EXPLAIN EXECUTE p(\(nulls))"))
        }
        let lines = try plan.map { try $0.text(0) }
        for (index, line) in lines.enumerated() {
          #expect(!line.contains("Seq Scan"), "\(lines.joined(separator: "\n"))")
          guard line.contains("Index Scan") || line.contains("Index Only Scan") else { continue }
          #expect(lines.dropFirst(index + 1).first?.contains("Index Cond") == true, "\(lines.joined(separator: "\n"))")
        }
      }
    }
  }
}
