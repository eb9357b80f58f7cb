import EventLog
import Fleet
import Networking
import Operations
import PostgreSQL

/// `carillon migrate`: brings tables and topics up to date. May be run by several processes at once, and again.
///
/// With `--restored` it also tells the cluster that its database is an older one than it was (docs/architecture.md,
/// section 3): to be run once after a restore, before any role is started.
enum MigrateCommand {
  static func run(_ arguments: Arguments, _ configuration: Configuration) async throws -> Int32 {
    let process = try ServerProcess(configuration, component: "migrate", writer: LogWriter())
    let lane = try Lane(on: process.control, process.database)
    let applied = try await Migrations.run([LogSchema.migration] + FleetSchema.migrations, on: lane)
    print(applied.isEmpty ? "the schema is up to date" : "applied \(applied.map(String.init).joined(separator: ", "))")
    try await PostgreSQLLog.migrate(
      partitions(configuration.log), isUsed: configuration.log.kind == .postgresql, on: lane)
    if configuration.log.kind == .kafka { try await KafkaWiring.migrate(process) }
    if arguments.has("restored") { try await noteRestore(on: lane, configuration) }
    await lane.close()
    return 0
  }

  private static func noteRestore(on lane: Lane, _ configuration: Configuration) async throws {
    let (count, doubted) = try await lane.transaction(deadline: .seconds(600)) { transaction in
      let roles = try await transaction.query(running).map { try $0.text(0) }
      guard roles.isEmpty else { throw StillRunning(roles: roles) }
      try await PostgreSQLLog.beginIncarnation(in: transaction)
      return try await TaskStore.noteRestore(in: transaction)
    }
    print("restore \(count) noted: the embedded log begins anew, \(doubted) tasks are now in doubt")
    // A POST of before, read again while it might still be answered, would be sent something that nobody waits for; and
    // what its CPE had answered to something else would be taken for the answer.
    try await lane.loop.sleep(for: configuration.gateway.limits.directiveDeadline + .seconds(1))
  }

  private struct StillRunning: Error, CustomStringConvertible {
    let roles: [String]
    var description: String {
      "connected to the database: \(roles.joined(separator: ", ")); stop every role first, they know what was lost"
    }
  }

  /// Roles name themselves to the server.
  private static let running = Statement(
    "migrate.running",
    """
    SELECT DISTINCT application_name FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = ANY (
       ARRAY['carillon gateway', 'carillon worker', 'carillon scheduler', 'carillon northbound', 'carillon all'])
     ORDER BY 1
    """)

  /// How many partitions each topic is made with.
  static func partitions(_ log: LogConfiguration) -> [Topic: Int32] {
    [
      .messages: Int32(clamping: log.messages.partitions), .directives: Int32(clamping: log.directives.partitions),
      .deadLetters: Int32(clamping: log.deadLetters.partitions), .deviceEvents: Int32(clamping: log.events.partitions),
      .taskEvents: Int32(clamping: log.events.partitions),
    ]
  }
}
