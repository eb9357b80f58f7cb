import CWMP
import EventLog
import Glibc
import HTTP
import PostgreSQL
import Testing

@Suite("PostgreSQL is restored from a backup", .serialized, .timeLimit(.minutes(5)))
struct RestoreTests {
  private static let roles = ["worker", "northbound", "gateway"]

  @Test(
    "what was sent after the backup is not sent again, and its answer or evidence still counts (P4)",
    arguments: TestCluster.Log.available)
  func restored(_ log: TestCluster.Log) async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(log, database: database, roles: Self.roles) { cluster in
        let cpe = TestCPE(cluster, serial: "rebooted")
        try await cpe.provision()
        let (_, made) = try await cluster.api(
          "/devices/\(cpe.identity)/tasks", method: "POST", body: #"{"method":"Reboot"}"#)
        let task = try #require(made.split(separator: "\"").dropFirst(3).first.map(String.init))
        let refused = try await cluster.migrate("--restored")
        #expect(refused.contains("stop every role first"), "\(refused)")
        await cluster.killAll()
        let backup = Backup(of: database)
        try await backup.take()

        try await cluster.startAll(Self.roles)
        // The killed worker's lease must end first.
        var sent: TestCPE.Answer?
        try await cluster.eventually("the task is sent") {
          try await cpe.inform()
          sent = try await cpe.empty()
          return sent?.request?.method == .reboot
        }
        #expect(try await cpe.answer(.reboot, sent?.id).status == .noContent)
        await cluster.killAll()
        try await backup.restore()
        #expect(try await cluster.migrate("--restored").contains("restore noted: "))

        let told = Statement(
          "test.told", "SELECT count(*) FROM outbox WHERE position('carillon.task.in_doubt.v1'::bytea in headers) > 0")
        let count = try await database.withLane { try await $0.query(told)[0].int64(0) }
        #expect(count == 1, "northbound is told")

        try await cluster.startAll(Self.roles)
        let key = String(decoding: try #require(sent?.id), as: UTF8.self)
        try await cpe.inform()
        #expect(try await cpe.work().isEmpty, "the task was queued in the backup")
        // Kafka still has the answer that came after the backup; the embedded log was restored with the rest.
        let expected = log == .kafka ? "accepted" : "in_doubt"
        try await cluster.eventually("the task is \(expected)") {
          try await cluster.api("/tasks/\(task)").1.contains(#""state":"\#(expected)""#)
        }
        try await cpe.inform([EventStruct(.boot), EventStruct(.reboot, commandKey: key)])
        #expect(try await cpe.work().isEmpty)
        try await cluster.eventually("the task has succeeded") {
          try await cluster.api("/tasks/\(task)").1.contains(#""state":"succeeded""#)
        }
      }
    }
  }

  @Test(
    "a range of partitions that the backup does not know of is found, and what came into it is folded in its turn",
    arguments: TestCluster.Log.available.filter { $0 == .kafka })
  func lostRange(_ log: TestCluster.Log) async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(log, database: database, roles: Self.roles) { cluster in
        let cpe = TestCPE(cluster, serial: "ranged")
        try await cpe.provision()
        await cluster.killAll()
        let backup = Backup(of: database)
        try await backup.take()

        _ = try await cluster.migrate("--partitions", "5")
        try await database.execute("UPDATE log_range SET begins_at = now() - interval '3 s' WHERE NOT is_read")
        try await cluster.startAll(Self.roles)
        try await cluster.eventually("an Inform goes there") {
          try await cpe.inform(version: "9.9")
          return try await database.number("SELECT sum(next_offset) FROM log_claim WHERE part >= 4") > 0
        }
        await cluster.killAll()
        try await backup.restore()
        let told = try await cluster.migrate("--restored")
        #expect(told.contains("partitions 4 to 8 of messages, which the backup does not know of"), "\(told)")
        #expect(try await database.number("SELECT count(*) FROM log_claim WHERE owner IS NOT NULL") == 0)

        try await cluster.startAll(Self.roles)
        try await cluster.eventually("what was acknowledged is folded") {
          try await cluster.api("/devices/\(cpe.identity)").1.contains(#""software_version":"9.9""#)
        }
        #expect(try await database.number("SELECT count(*) FROM log_range WHERE is_read") == 2)
      }
    }
  }

  @Test("the embedded log's offsets get a new name, under which workers go on where the backup stood")
  func incarnation() async throws {
    try await TestPostgreSQL.withLane(migrations: [LogSchema.migration]) { lane, database in
      try await PostgreSQLLog.migrate([.messages: 2, .deviceEvents: 1], on: lane)
      let topics = Statement("test.topics", "SELECT incarnation FROM log_topic ORDER BY topic")
      let old = try await lane.query(topics).map { try $0.uuid(0) }
      for (part, offset) in [(0, 17), (1, 4)] {
        let claim = "VALUES ('messages/\(old[0])', \(part), \(offset), 9, gen_random_uuid(), 'infinity')"
        try await database.execute("INSERT INTO log_claim (log, part, next_offset, epoch, owner, lease_until) \(claim)")
      }
      try await lane.transaction { try await PostgreSQLLog.beginIncarnation(in: $0) }
      let new = try await lane.query(topics).map { try $0.uuid(0) }
      #expect(Set(old).isDisjoint(with: new))
      let claims = Claims(log: "messages/\(new[0])", partitions: 2, lane: lane)
      _ = try await claims.tend()
      #expect(await claims.claims.mapValues(\.nextOffset) == [0: 17, 1: 4])
      #expect(await claims.claims.values.allSatisfy { $0.epoch == 10 })
      let left = try await lane.query(Statement("test.claims", "SELECT count(*) FROM log_claim"))
      #expect(try left[0].int64(0) == 2)
    }
  }
}

extension TestCluster {
  fileprivate func killAll() {
    for server in servers { signal(server, SIGKILL) }
  }

  fileprivate func startAll(_ roles: [String]) async throws {
    for role in roles { try await start(role) }
  }
}

/// A copy of a database, which nobody may be connected to.
private struct Backup {
  let server: TestDatabase
  let name: String
  var copy: String { "\(name)_backup" }

  init(of database: TestDatabase) {
    name = String(database.connection.split(separator: " ").last?.dropFirst("dbname=".count) ?? "")
    server = TestDatabase(connection: "\(database.connection) dbname=postgres")
  }

  func take() async throws {
    try await disconnect()
    try await server.execute("CREATE DATABASE \(copy) TEMPLATE \(name)")
  }

  func restore() async throws {
    try await server.execute("DROP DATABASE \(name) WITH (FORCE)")
    try await server.execute("ALTER DATABASE \(copy) RENAME TO \(name)")
  }

  /// Backends of processes that were killed may not know it yet.
  private func disconnect() async throws {
    try await server.withLane { lane in
      let end = Statement(
        "test.disconnect", "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1")
      _ = try await lane.query(end, .text(name))
    }
  }
}
