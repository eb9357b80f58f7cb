import CWMP
import HTTP
import Networking
import Testing

@Suite("Processes that start while PostgreSQL is away", .serialized, .timeLimit(.minutes(10)))
struct StartTests {
  private func readiness(_ cluster: TestCluster, _ server: TestCluster.Server) async throws -> (HTTPStatus, String) {
    var request = HTTPClientRequest(url: "http://127.0.0.1:\(server.operations)/readyz")
    request.deadline = .seconds(2)
    let response = try await cluster.http.execute(request)
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  @Test("every role waits, says why it is not ready, and serves once it is there", arguments: TestCluster.Log.available)
  func waits(_ log: TestCluster.Log) async throws {
    let postgresql = TestPostgreSQL.Private("start")
    defer { postgresql.remove() }
    let database = TestDatabase(connection: try postgresql.start())
    try await TestCluster.with(log, database: database, roles: []) { cluster in
      try postgresql.kill()
      let roles = ["worker", "scheduler", "northbound", "gateway"]
      for role in roles { try await cluster.start(role, awaited: false) }
      for role in roles {
        try await cluster.eventually("the \(role) says what it waits for", within: .seconds(30)) {
          let (status, text) = try await readiness(cluster, await cluster.server(role))
          return status == .serviceUnavailable && text.contains("PostgreSQL")
        }
      }
      // One that is told to stop does so at once, and in order.
      #expect(try await cluster.restart(gateway: cluster.server("gateway")) == 0)
      try await cluster.loop.sleep(for: .seconds(12))
      for role in roles { #expect(try await readiness(cluster, await cluster.server(role)).0 == .serviceUnavailable) }
      try postgresql.start()
      for role in roles {
        try await cluster.eventually("the \(role) is ready", within: .seconds(40)) { try await cluster.areReady(role) }
      }
      let cpe = TestCPE(cluster, serial: "patient")
      #expect(try await cpe.inform([EventStruct(.bootstrap)]).status == .ok)
      #expect(try await cpe.work().count == 1)
    }
  }
}

extension TestCluster {
  /// SIGTERM, and another in its place that is not waited for.
  fileprivate func restart(gateway: Server) async throws -> Int32 {
    let code = try await stop(gateway)
    try await startAgain(gateway)
    return code
  }
}
