import HTTP
import Networking
import Testing

@Suite("A cluster restarted piece by piece", .serialized, .timeLimit(.minutes(10)))
struct RollingRestartTests {
  private static let hasHAProxy = (try? run("PATH=$PATH:/usr/sbin command -v haproxy")) != nil

  @Test(
    "gateways, workers and schedulers replaced one by one under load: no session fails, no Inform is refused",
    .enabled(if: hasHAProxy, "no haproxy: scripts/install deploy"), arguments: TestCluster.Log.available)
  func rolling(_ log: TestCluster.Log) async throws {
    let roles = ["worker", "worker", "scheduler", "scheduler", "northbound", "gateway", "gateway"]
    let listener = ", connection_identity: proxy-v2, proxy_peers: [127.0.0.0/8]"
    try await TestCluster.with(log, roles: roles, listener: listener) { cluster in
      let policy = """
        name: base
        ensure:
          ${device.root}.DeviceInfo.ProvisioningCode: carillon
        """
      _ = try await cluster.api("/policies/base", method: "PUT", body: policy, type: "application/yaml")
      let balancer = try await cluster.balancer()
      let fleet = try await cluster.fleet(
        [
          "-n", "400", "--rate", "200", "--interval", "1", "--retry-ms", "300",
          "--expect", "DeviceInfo.ProvisioningCode=carillon",
        ], port: balancer.cwmp)
      try await cluster.eventually("devices are known") {
        try await cluster.api("/devices?limit=1000").1.components(of: "\"identity\"") == 400
      }
      var asked = 0
      for (round, server) in await cluster.servers.filter({ $0.role != "northbound" }).enumerated() {
        // Work for sessions that run while the process goes away.
        for number in 1...20 {
          let device = "00D09E-Carillon-000000\(number < 10 ? "0" : "")\(number + round)"
          let path = "/devices/\(device)/tasks"
          let (status, _) = try await cluster.api(path, method: "POST", body: Self.task)
          if status == .accepted || status == .ok { asked += 1 }
        }
        #expect(try await cluster.restart(server) == 0, "\(server.role)")
        // As an operator must: the next one goes when the balancer has seen that this one is back.
        try await cluster.eventually("both gateways are up at HAProxy") {
          let request = HTTPClientRequest(url: "http://127.0.0.1:\(balancer.statistics)/stats;csv")
          let text = String(decoding: try await cluster.http.execute(request).body, as: UTF8.self)
          return text.split(separator: "\n").count { $0.hasPrefix("gateways,gateway-") && $0.contains(",UP,") } == 2
        }
      }
      try await cluster.eventually("every task is done", within: .seconds(60)) {
        try await cluster.api("/tasks?state=live&limit=1000").1.components(of: "\"id\"") == 0
      }
      let summary = try await cluster.finish(fleet: fleet)
      #expect(asked > 100)
      #expect(summary.contains("\"failed\":0,") && summary.contains("\"provisioned\":400"), "\(summary)")
      #expect(await cluster.logged("worker", "\"level\":\"error\"") == 0)
    }
  }

  private static let task =
    #"{"method":"GetParameterValues","arguments":{"names":["InternetGatewayDevice.DeviceInfo."]}}"#
}
