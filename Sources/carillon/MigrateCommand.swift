import EventLog
import Fleet
import Networking
import Operations
import PostgreSQL

/// `carillon migrate`: brings tables and topics up to date. May be run by several processes at once, and again.
enum MigrateCommand {
  static func run(_ configuration: Configuration) async throws -> Int32 {
    let process = try ServerProcess(configuration, component: "migrate", writer: LogWriter())
    let lane = try Lane(on: process.control, process.database)
    let applied = try await Migrations.run([LogSchema.migration] + FleetSchema.migrations, on: lane)
    print(applied.isEmpty ? "the schema is up to date" : "applied \(applied.map(String.init).joined(separator: ", "))")
    try await PostgreSQLLog.migrate(partitions(configuration.log), on: lane)
    if configuration.log.kind == .kafka { try await KafkaWiring.migrate(process) }
    await lane.close()
    return 0
  }

  /// How many partitions each topic is made with.
  static func partitions(_ log: LogConfiguration) -> [Topic: Int32] {
    [
      .messages: Int32(clamping: log.messages.partitions), .directives: Int32(clamping: log.directives.partitions),
      .deadLetters: Int32(clamping: log.deadLetters.partitions), .deviceEvents: Int32(clamping: log.events.partitions),
      .taskEvents: Int32(clamping: log.events.partitions),
    ]
  }
}
