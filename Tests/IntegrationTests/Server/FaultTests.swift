import CWMP
import Cryptography
import EventLog
import Fleet
import Glibc
import HTTP
import Networking
import PostgreSQL
import Testing

@Suite("Faults of real processes", .serialized, .timeLimit(.minutes(15)))
struct FaultTests {
  @Test("a worker stopped in a batch is replaced within 10 s, and what it would commit afterwards fails")
  func stoppedWorker() async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(.postgresql, database: database, roles: ["worker", "northbound", "gateway"]) {
        cluster in
        let cpe = TestCPE(cluster, serial: "patient")
        try await cpe.inform([EventStruct(.bootstrap)])
        _ = try await cpe.work()
        let fleet = try await cluster.fleet(["-n", "40", "--rate", "40", "--interval", "1", "--retry-ms", "300"])
        let stopped = await cluster.server("worker")
        try await cluster.eventually("the fleet informs") {
          try await cluster.metric("carillon_worker_records_total", of: stopped) > 100
        }
        try await database.withLane { lane in
          try await lane.transaction(deadline: .seconds(30)) { transaction in
            _ = try await transaction.query(Statement("test.lock", "LOCK TABLE device_contact"))
            let pid = try await transaction.query(Statement("test.pid", "SELECT pg_backend_pid()"))[0].int32(0)
            try await cluster.eventually("its batch has begun") { try await database.waitingFor(pid) > 0 }
            await cluster.signal(stopped, SIGSTOP)
          }
        }
        let other = try await cluster.start("worker")
        try await cluster.eventually("the other worker owns all partitions", within: .seconds(10)) {
          try await cluster.metric("carillon_worker_partitions", of: other) == 4
        }
        try await cpe.inform()
        #expect(try await cpe.work().isEmpty)
        let before = try await cluster.metric("carillon_worker_records_total", of: other)
        let failure = "batch is tried again"
        let failed = await cluster.logged("worker", failure)
        await cluster.signal(stopped, SIGCONT)
        // It still believes in its claims, but its backend was ended to free their rows.
        try await cluster.eventually("its late batch failed") { await cluster.logged("worker", failure) > failed }
        try await cluster.eventually("the fleet is served on") {
          try await cluster.metric("carillon_worker_records_total", of: other) > before + 20
        }
        _ = try await cluster.finish(fleet: fleet)
      }
    }
  }

  @Test(
    "a record that crashes the worker goes to the dead letters unread, and its neighbours are served (P7)",
    arguments: TestCluster.Log.available)
  func trap(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log, settings: "worker: {trap_on: crasher}") { cluster in
      let crasher = TestCPE(cluster, serial: "crasher")
      let neighbour = TestCPE(cluster, besides: crasher)
      try await neighbour.inform([EventStruct(.bootstrap)])
      _ = try await neighbour.work()
      try await crasher.inform([EventStruct(.bootstrap)])
      #expect(try await neighbour.inform(version: "2.0").status == .ok)
      let began = ContinuousClock.now
      var crashes = 0
      try await cluster.eventually("the neighbour's Inform, in the same partition, is folded", within: .seconds(60)) {
        if try await cluster.revive("worker") { crashes += 1 }
        return try await cluster.api("/devices/\(neighbour.identity)").1.contains(#""software_version":"2.0""#)
      }
      #expect(ContinuousClock.now - began < .seconds(30), "as P7 promises")
      try await cluster.eventually("the record is a dead letter") {
        if try await cluster.revive("worker") { crashes += 1 }
        return try await cluster.metric("carillon_worker_dead_letters_total", of: cluster.server("worker")) == 1
      }
      #expect((1...2).contains(crashes), "suspected at the second takeover without progress")
      #expect(await cluster.logged("worker", "it crashed the worker: SIG") == 1, "an alarm says why")
      try await neighbour.inform()
      #expect(try await neighbour.work().isEmpty)
      #expect(try await !cluster.revive("worker"), "nobody crashes any more")
    }
  }

  @Test("records that make no sense go to the dead letters, and the good ones around them are served (P7)")
  func poison() async throws {
    try await TestPostgreSQL.withDatabase { database in
      let loop = try EventLoop(name: "poison")
      let cluster = try TestCluster(.postgresql, database: database, loop: loop)
      do {
        try await cluster.begin(["worker", "scheduler", "northbound", "gateway"])
        let cpe = TestCPE(cluster, serial: "neighbour")
        try await cpe.provision()
        let log = try await PostgreSQLLog.open(LaneSettings(connection: database.connection), on: loop)
        for part in 0..<log.partitionCount(of: .messages) {
          _ = try await loop.append(
            OutgoingRecord(
              partition: Partition(.messages, part), key: Array("nonsense".utf8), headers: RecordHeaders(),
              value: [1, 2, 3]), to: log)
        }
        // As P7 promises: read by the time that its Inform is, and no later than a second.
        #expect(try await cpe.inform(version: "2.0").status == .ok)
        let began = ContinuousClock.now
        #expect(try await cpe.work().isEmpty)
        try await cluster.eventually("the Inform behind one is folded") {
          try await cluster.api("/devices/\(cpe.identity)").1.contains(#""software_version":"2.0""#)
        }
        #expect(ContinuousClock.now - began < .milliseconds(1500), "a second, on a machine that has other work")
        try await cluster.eventually("the dead letters are counted") {
          try await cluster.metric("carillon_worker_dead_letters_total", of: cluster.server("worker")) == 4
        }
        try await cluster.eventually("the dead letters are relayed to their topic") {
          var count: Int64 = 0
          for part in 0..<log.partitionCount(of: .deadLetters) {
            count += try await log.end(of: Partition(.deadLetters, part))
          }
          return count == 4
        }
        await log.shutdown()
        await cluster.end()
      } catch {
        await cluster.end()
        throw error
      }
      await loop.shutdown()
    }
  }
}

extension TestCPE {
  /// One whose records go to the same partition as another's.
  convenience init(_ cluster: TestCluster, besides other: TestCPE) {
    func partition(_ serial: String) -> Int32 {
      let id = DeviceID(manufacturer: "Test", oui: "00D09E", productClass: "Box", serialNumber: serial)
      return Partitioning.partition(of: Array(id.id.description.utf8), among: 4)
    }
    let own = partition(other.id.serialNumber)
    self.init(cluster, serial: (0...).lazy.map { "neighbour\($0)" }.first { partition($0) == own } ?? "")
  }
}

extension TestCluster {
  /// Migrates and starts roles; for tests that need the database beside the cluster.
  func begin(_ roles: [String]) async throws {
    try prepare()
    for role in roles { try await start(role) }
  }
}

extension EventLoop {
  /// Appends one record through a producer of its own.
  func append(_ record: OutgoingRecord, to log: PostgreSQLLog) async throws -> Int64 {
    let kept = try await run { LoopBound(log.producer(on: self), on: self) }
    let result: Result<Int64, EventLogError> = await withCheckedContinuation { continuation in
      runSoon { kept.value.append(record) { continuation.resume(returning: $0) } }
    }
    return try result.get()
  }
}

extension String {
  /// How often a text stands in this one.
  func components(of part: String) -> Int {
    var count = 0
    var rest = self[...]
    while let found = rest.firstRange(of: part) {
      count += 1
      rest = rest[found.upperBound...]
    }
    return count
  }
}
