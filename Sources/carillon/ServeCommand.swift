import Cryptography
import EventLog
import Networking
import Operations
import PostgreSQL

/// `carillon gateway|worker|scheduler|northbound|all`: starts the role's parts in order and lives until told to stop.
enum ServeCommand {
  static func run(_ role: ProcessRole, _ configuration: Configuration, path: String?) async throws -> Int32 {
    let writer = LogWriter()
    let process = try ServerProcess(configuration, path: path, component: role.name, writer: writer)
    process.logger.info("starting") { line in
      line.add(.version, Carillon.version)
      line.add(LogKey("open_files"), process.openFiles)
    }
    let lifecycle = Lifecycle(
      on: process.control, logger: process.logger, stopDeadline: configuration.operations.stopDeadline)
    let operations = configuration.operations
    let address = try SocketAddress(host: operations.address, port: operations.port(of: role))
    let health = HealthServer(
      on: try EventLoop(name: "health"), metrics: process.metrics, readiness: process.readiness, pulse: process.pulse)
    process.metrics.addProcessMetrics(version: Carillon.version, role: role.name)
    await lifecycle.add(health.part(address))
    let (log, incarnation) = try await process.openLog()
    await lifecycle.add(LifecyclePart("event log", start: {}, stop: { await log.shutdown() }))
    for part in try await parts(role, process, log, incarnation) { await lifecycle.add(part) }
    let end = await lifecycle.run()
    process.logger.info("stopped") { $0.add(.reason, describing: end) }
    writer.close()
    return end.exitCode
  }

  /// The parts in the order in which they start; they stop in the reverse: gateways first, so that nothing is taken
  /// that nobody would fold.
  private static func parts(
    _ role: ProcessRole, _ process: ServerProcess, _ log: any EventLog, _ incarnation: UUID128
  ) async throws -> [LifecyclePart] {
    var parts: [LifecyclePart] = []
    // A gateway on the Kafka log commits nothing, and must be able to start without PostgreSQL.
    if role != .gateway || process.configuration.log.kind == .postgresql { parts.append(durability(process)) }
    if role == .worker || role == .all { parts += try WorkerRole.parts(process, log, incarnation) }
    if role == .scheduler || role == .all { parts += try SchedulerRole.parts(process, log) }
    if role == .northbound || role == .all { parts += try await NorthboundRole.parts(process) }
    if role == .gateway || role == .all { parts += try await GatewayRole.parts(process, log) }
    return parts
  }

  /// Nothing is served before it is known that commits hold what they promise. A database that is away is waited for,
  /// for as long as a start may take.
  private static func durability(_ process: ServerProcess) -> LifecyclePart {
    let allows = process.configuration.database.allowsAsynchronousStandby
    return LifecyclePart("database") {
      let lane = try Lane(on: process.control, process.database)
      defer { lane.closeSoon() }
      while true {
        do {
          return try await CommitDurability.check(on: lane, allowsAsynchronousStandby: allows)
        } catch let error as PostgreSQLError where error.isRetryable && !Task.isCancelled {
          process.logger.warning("the database is not there yet") { $0.add(error) }
          try await process.control.sleep(for: .seconds(1))
        }
      }
    }
  }
}
