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
      on: process.control, logger: process.logger, stopDeadline: configuration.operations.stopDeadline,
      readiness: process.readiness, isAway: isAway)
    let operations = configuration.operations
    let address = try SocketAddress(host: operations.address, port: operations.port(of: role))
    let health = HealthServer(
      on: try EventLoop(name: "health"), metrics: process.metrics, readiness: process.readiness, pulse: process.pulse)
    process.metrics.addProcessMetrics(version: Carillon.version, role: role.name)
    process.metrics.counter("carillon_log_lines_dropped_total", "Log lines that had no room") {
      Double(writer.dropped)
    }
    await lifecycle.add(health.part(address))
    let opened = Box<any EventLog>()
    await lifecycle.add(
      LifecyclePart(
        "event log",
        start: {
          let (log, incarnation) = try await process.openLog()
          await opened.put(log)
          for part in try await parts(role, process, log, incarnation) { await lifecycle.add(part) }
        }, stop: { await opened.value?.shutdown() }))
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
    // A gateway on the Kafka log commits nothing.
    if role != .gateway || process.configuration.log.kind == .postgresql { parts.append(durability(process)) }
    if role == .worker || role == .all { parts += try WorkerRole.parts(process, log, incarnation) }
    if role == .scheduler || role == .all { parts += try SchedulerRole.parts(process, log) }
    if role == .northbound || role == .all { parts += try await NorthboundRole.parts(process) }
    if role == .gateway || role == .all { parts += try await GatewayRole.parts(process, log) }
    return parts
  }

  /// Nothing is served before it is known that commits hold what they promise.
  private static func durability(_ process: ServerProcess) -> LifecyclePart {
    let allows = process.configuration.database.allowsAsynchronousStandby
    return LifecyclePart("database") {
      let lane = try Lane(on: process.control, process.database)
      defer { lane.closeSoon() }
      try await CommitDurability.check(on: lane, allowsAsynchronousStandby: allows)
    }
  }

  /// Whether an error of a start says that PostgreSQL, or the log, is away: a supervisor that starts the process again
  /// could do no more than wait.
  private static func isAway(_ error: any Error) -> Bool {
    switch error {
    case let error as PostgreSQLError: error.isRetryable
    case let error as EventLogError: error.kind == .unavailable
    default: false
    }
  }
}
