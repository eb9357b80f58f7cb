import Cryptography
import EventLog
import Networking
import Operations
import PostgreSQL
import SessionWorker

/// The session worker's shards as parts of a process.
enum WorkerRole {
  static func parts(
    _ process: ServerProcess, _ log: any EventLog, _ incarnation: UUID128
  ) throws -> [LifecyclePart] {
    try (0..<process.loops(process.configuration.worker.shards)).map { number in
      let loop = try process.loop("worker-\(number)")
      let name = "worker \(number)"
      process.readiness.expect(name)
      let box = Box<Shard>()
      return LifecyclePart(
        name,
        start: {
          try await log.probe(written: [.directives], read: [.messages])
          let shard = try await loop.run { Shard(try work(process, log, incarnation, on: loop)) }
          await box.put(shard)
          process.readiness.ready(name)
        },
        run: { await box.value?.run() },
        stop: { await box.value?.stop() })
    }
  }

  /// What a shard, or a probe in its place, works with.
  static func work(
    _ process: ServerProcess, _ log: any EventLog, _ incarnation: UUID128, on loop: EventLoop
  ) throws -> Shard.Parts {
    var settings = FoldSettings()
    settings.maximumRounds = Int16(clamping: process.configuration.worker.rounds)
    settings.maximumRPCs = Int16(clamping: process.configuration.worker.rpcs)
    settings.sessionTimeout = Int32(clamping: process.configuration.worker.sessionTimeout.components.seconds)
    settings.givesCredentials = process.configuration.worker.credentials == .give
    settings.trapOn = process.configuration.worker.trapOn
    let report = WorkerReport(process.logger, process.metrics)
    let claims = Claims(log: "messages/\(incarnation)", partitions: nil, lane: try Lane(on: loop, process.database))
    let path = process.configurationPath
    var database = process.database
    database.session = LaneSettings.byIndex
    return Shard.Parts(
      lane: try Lane(on: loop, database), claims: claims, log: log, incarnation: incarnation,
      seal: RecordSeal(process.keyring, sealer: process.sealer), policies: PolicyStore(report: report),
      secrets: SealedSecrets(process.keyring), settings: settings, report: report,
      probe: { range in await ProbeProcess(configuration: path, loop: loop).run(range) })
  }
}
