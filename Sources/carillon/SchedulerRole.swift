import Cryptography
import EventLog
import Fleet
import HTTP
import Networking
import Operations
import PostgreSQL
import TaskScheduler

/// The task scheduler as a part of a process.
enum SchedulerRole {
  static func parts(_ process: ServerProcess, _ log: any EventLog) throws -> [LifecyclePart] {
    let loop = try process.loop("scheduler")
    let name = "scheduler"
    process.readiness.expect(name)
    let box = Box<Scheduler>()
    return [
      LifecyclePart(
        name,
        start: {
          try await log.probe(written: [.messages, .deviceEvents, .taskEvents, .deadLetters], read: [])
          let scheduler = try await loop.run { try make(process, log, on: loop) }
          await box.put(scheduler)
          process.readiness.ready(name)
        },
        run: { await box.value?.run() },
        stop: { await box.value?.stop() })
    ]
  }

  private static func make(
    _ process: ServerProcess, _ log: any EventLog, on loop: EventLoop
  ) throws -> Scheduler {
    let claims = Claims(
      log: "outbox", partitions: Int32(TaskStore.outboxLanes), lane: try Lane(on: loop, process.database))
    return Scheduler(
      Scheduler.Parts(
        lane: try Lane(on: loop, process.database), claims: claims, log: log,
        transport: HTTPConnectionRequests(try HTTPClient(loop: loop)), sealer: ValueSealer(process.keyring),
        settings: try settings(process.configuration), report: ProcessSchedulerReport(process)))
  }

  private static func settings(_ configuration: Configuration) throws -> SchedulerSettings {
    var settings = SchedulerSettings()
    settings.connectionRequests.interval = configuration.scheduler.connectionRequestInterval
    let networks = try configuration.scheduler.connectionRequestNetworks.map { try AddressRange($0) }
    settings.connectionRequests.perSecond = configuration.scheduler.connectionRequestsPerSecond
    settings.connectionRequests.networks = networks
    settings.connectionRequests.allowsLoopback = networks.contains { $0.contains(IPAddress.loopback) }
    settings.fileURL = configuration.gateway.files.publicURL ?? ""
    settings.historyRetention = configuration.scheduler.taskHistory
    return settings
  }
}

/// Holds what a part made between its start and stop.
actor Box<Value: Sendable> {
  private(set) var value: Value?

  func put(_ value: Value) { self.value = value }
}

/// The scheduler's rounds as log lines and metrics.
private struct ProcessSchedulerReport: SchedulerReport {
  private let logger: Logger
  private let failures: Counter

  init(_ process: ServerProcess) {
    logger = process.logger.component("scheduler")
    failures = process.metrics.counter("carillon_scheduler_failures_total", "Rounds that failed and are tried again")
  }

  func did(_ activity: String, _ counts: [(name: String, count: Int)], took: Duration) {
    logger.debug("scheduler round") { line in
      line.add(LogKey("activity"), activity)
      line.add(LogKey("did"), counts.map { "\($0.name) \($0.count)" }.joined(separator: ", "))
      line.add(.milliseconds, Int(took / .milliseconds(1)))
    }
  }

  func failed(_ activity: String, _ error: any Error) {
    failures.increment()
    logger.warning("scheduler round failed") { line in
      line.add(LogKey("activity"), activity)
      line.add(error)
    }
  }
}
