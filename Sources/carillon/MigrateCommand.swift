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
    if arguments.has("restored") { try await findLostRange(process, on: lane) }
    try await makeLog(process, more: try arguments.integer("partitions", in: 1...10_000).map { Int32($0) }, on: lane)
    if arguments.has("restored") { try await noteRestore(on: lane) }
    await lane.close()
    return 0
  }

  /// Makes the topics, or adds to `messages` a range of so many partitions as are asked for.
  private static func makeLog(_ process: ServerProcess, more: Int32?, on lane: Lane) async throws {
    let log = process.configuration.log
    let configured = Int32(clamping: log.messages.partitions)
    var known = try await PartitionRanges.find(on: lane)
    if let found = known, more != configured, !found.ranges.contains(where: { $0.count == configured }) {
      throw PostgreSQLError(
        .misconfigured,
        "topic cwmp.messages has \(found.ranges.last?.count ?? 0) partitions and the configuration says \(configured): "
          + "more are had by `carillon migrate --partitions N`")
    }
    if known != nil, let more { known = try await PartitionRanges.add(count: more, on: lane) }
    let ranges = known ?? PartitionRanges(count: configured)
    var topics = partitions(log)
    topics[.messages] = ranges.total
    if known != nil { try await PostgreSQLLog.grow(to: ranges, on: lane) }
    try await PostgreSQLLog.migrate(topics, isUsed: log.kind == .postgresql, on: lane)
    if log.kind == .kafka { try await KafkaWiring.migrate(process, partitions: ranges.total, mayGrow: known != nil) }
    guard known != nil else {
      try await PartitionRanges.found(count: configured, on: lane)
      if more != nil { try await makeLog(process, more: more, on: lane) }
      return
    }
    try await PartitionRanges.begin(on: lane)
    guard let last = ranges.ranges.last, last.beginsAt == .max else { return }
    print(
      "partitions \(last.first) to \(last.first + last.count - 1) of messages take new records "
        + "\(PartitionRanges.notice.components.seconds) s from now and are read once those before are folded, which "
        + "workers' logs tell of; "
        + "from now on the configuration may say \(last.count)")
  }

  /// A backup from before `--partitions` does not know of the range that was added; on Kafka its partitions are there,
  /// with records that were acknowledged. Were it added anew later, it would be read after what is newer.
  private static func findLostRange(_ process: ServerProcess, on lane: Lane) async throws {
    guard process.configuration.log.kind == .kafka, let known = try await PartitionRanges.find(on: lane) else { return }
    try StillRunning.refuse(try await lane.query(running))
    let count = try await KafkaWiring.partitions(process)
    guard count > known.total else { return }
    try await PartitionRanges.recover(count: count - known.total, on: lane)
    print("partitions \(known.total) to \(count - 1) of messages, which the backup does not know of, take new records")
  }

  private static func noteRestore(on lane: Lane) async throws {
    let doubted = try await lane.transaction(deadline: .seconds(600)) { transaction in
      try StillRunning.refuse(try await transaction.query(running))
      try await PostgreSQLLog.beginIncarnation(in: transaction)
      try await Claims.noteRestore(in: transaction)
      return try await TaskStore.noteRestore(in: transaction)
    }
    print("restore noted: the embedded log begins anew, \(doubted) tasks are now in doubt")
  }

  private struct StillRunning: Error, CustomStringConvertible {
    let roles: [String]

    static func refuse(_ rows: Rows) throws {
      let roles = try rows.map { try $0.text(0) }
      guard roles.isEmpty else { throw StillRunning(roles: roles) }
    }

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
