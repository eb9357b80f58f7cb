import CWMP
import HTTP
import Networking
import Testing

@Suite("PostgreSQL or the log is down", .serialized, .timeLimit(.minutes(10)))
struct OutageTests {
  @Test(
    "PostgreSQL down: devices whose credentials are cached are served and nothing is lost, others get 503",
    .enabled(if: TestKafka.isAvailable, "no Kafka"))
  func postgresqlDown() async throws {
    let server = TestPostgreSQL.Private("outage")
    defer { server.remove() }
    let database = TestDatabase(connection: try server.start())
    let roles = ["worker", "northbound", "gateway"]
    try await TestCluster.with(.kafka, database: database, roles: roles) { cluster in
      let known = TestCPE(cluster, serial: "known")
      try await known.provision()
      let stranger = TestCPE(cluster, serial: "stranger")
      try server.kill()

      #expect(try await known.inform(version: "2.0").status == .ok)
      #expect(try await known.empty().status == .noContent, "nobody can say whether there is work: the session ends")
      #expect(try await stranger.inform([EventStruct(.bootstrap)]).status == .serviceUnavailable)

      try server.start()
      try await cluster.eventually("the Inform that was acknowledged meanwhile has its effect", within: .seconds(60)) {
        try await cluster.api("/devices/\(known.identity)").1.contains(#""software_version":"2.0""#)
      }
      try await cluster.eventually("others are served again") {
        try await stranger.inform([EventStruct(.bootstrap)]).status == .ok
      }
      #expect(try await stranger.work().count == 1)
      #expect(try await known.inform(version: "2.0").status == .ok)
      #expect(try await known.work().isEmpty)
    }
  }

  @Test(
    "PostgreSQL away for longer than anything waits for it: each Inform that was acknowledged has its effect (P1)",
    .enabled(if: TestKafka.isAvailable, "no Kafka"))
  func everyInform() async throws {
    let server = TestPostgreSQL.Private("long-outage")
    defer { server.remove() }
    let database = TestDatabase(connection: try server.start())
    let roles = ["worker", "northbound", "gateway"]
    try await TestCluster.with(.kafka, database: database, roles: roles) { cluster in
      let cpes = (0..<16).map { TestCPE(cluster, serial: "one\($0)") }
      for cpe in cpes { try await cpe.provision() }
      try server.kill()
      // One after another, so that the worker has some in its hands, and meets others after each of its failures.
      for cpe in cpes {
        #expect(try await cpe.inform(version: "2.0").status == .ok)
        try await cluster.loop.sleep(for: .milliseconds(2500))
      }
      try server.start()
      for cpe in cpes {
        try await cluster.eventually("the Inform of \(cpe.identity) has its effect", within: .seconds(60)) {
          try await cluster.api("/devices/\(cpe.identity)").1.contains(#""software_version":"2.0""#)
        }
      }
    }
  }

  @Test("Kafka down: 503 to Informs, no answer to responses; then work resumes", .enabled(if: TestKafka.isAvailable))
  func kafkaDown() async throws {
    let broker = TestKafka.Private()
    defer { broker.remove() }
    let brokers = try broker.start()
    try await TestPostgreSQL.withDatabase { database in
      let roles = ["worker", "northbound", "gateway"]
      try await TestCluster.with(.kafka, database: database, brokers: brokers, roles: roles) { cluster in
        try await logDown(cluster, kill: { try broker.kill() }, start: { try broker.start() })
      }
    }
  }

  @Test("the embedded log down: 503 to Informs, no answer to responses; then work resumes")
  func embeddedLogDown() async throws {
    let server = TestPostgreSQL.Private("log-outage")
    defer { server.remove() }
    let database = TestDatabase(connection: try server.start())
    try await TestCluster.with(.postgresql, database: database, roles: ["worker", "northbound", "gateway"]) { cluster in
      try await logDown(cluster, kill: { try server.kill() }, start: { try server.start() })
    }
  }

  private func logDown(_ cluster: TestCluster, kill: () throws -> Void, start: () throws -> Void) async throws {
    let cpe = TestCPE(cluster, serial: "waiting")
    try await cpe.provision()
    let other = TestCPE(cluster, serial: "other")
    try await other.provision()
    let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#
    _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: body)
    try await cpe.inform()
    let asked = try await cpe.empty()
    let request = try #require(asked.request)
    try kill()

    let began = ContinuousClock.now
    #expect(try await other.inform().status == .serviceUnavailable)
    #expect(ContinuousClock.now - began < .seconds(12), "CPEs give up after 30 s")
    // A response that is on no log must not be answered: the CPE would take it for delivered.
    await #expect(throws: HTTPClientError.self) { try await cpe.answer(TestCPE.response(to: request), asked.id) }

    try start()
    try await cluster.eventually("Informs are taken again", within: .seconds(60)) {
      try await other.inform().status == .ok
    }
    #expect(try await other.work().isEmpty)
    // The CPE tries its session again, and the task that was not acknowledged is done.
    try await cluster.eventually("the task is done", within: .seconds(60)) {
      try await cpe.inform(retry: 1)
      _ = try await cpe.work()
      return try await cluster.api("/devices/\(cpe.identity)/tasks?method=GetParameterValues").1.contains("succeeded")
    }
  }
}

extension TestCPE {
  /// Comes for the first time, takes its own credentials, and uses them: once as pending ones, once as its own, which
  /// the gateway then keeps.
  func provision() async throws {
    try await inform([EventStruct(.bootstrap), EventStruct(.boot)])
    _ = try await work()
    for _ in 0..<2 {
      try await inform()
      guard try await work().isEmpty else { throw NeverHappened(what: "a later session without work") }
    }
  }
}
