import Glibc
import HTTP
import Networking
import Testing

@Suite("A firmware campaign over real processes", .serialized, .timeLimit(.minutes(5)))
struct CampaignStoryTests {
  @Test("devices of the filter fetch the image from the gateway, boot, report its version, and count as succeeded")
  func campaign() async throws {
    try await TestCluster.with(.postgresql) { cluster in
      let fleet = try await cluster.fleet(["-n", "4", "--rate", "20", "--interval", "600", "--boot-ms", "200"])
      try await cluster.eventually("all four have their credentials") {
        try await cluster.metric("carillon_worker_tasks_finished_total", of: cluster.server("worker")) == 4
      }
      let file = "\(cluster.folder)/files/image-2.0.0.bin"
      try run("(echo 'version: 2.0.0'; head -c 200000 /dev/urandom) > '\(file)'")
      let image = #"{"name":"two","file":"image-2.0.0.bin","version":"2.0.0","vendor":"Carillon","models":[]}"#
      let (made, text) = try await cluster.api("/firmware", method: "POST", body: image)
      #expect(made == .created, "\(text)")
      for number in 1...3 {
        let path = "/devices/00D09E-Carillon-0000000\(number)/tags"
        let (tagged, text) = try await cluster.api(path, method: "PUT", body: #"{"tags":["spring"]}"#)
        #expect(tagged == .ok, "\(text)")
      }
      let body = """
        {"name":"spring","image":"two","filter":{"tags":["spring"]},"rate_per_minute":600,"concurrency":2,\
        "state":"running"}
        """
      let (begun, answer) = try await cluster.api("/campaigns", method: "POST", body: body)
      #expect(begun == .created, "\(answer)")
      try await cluster.eventually("three have succeeded", within: .seconds(60)) {
        try await cluster.api("/campaigns/spring").1.contains(#""succeeded":3"#)
      }
      let updated = try await cluster.api("/devices?software_version=2.0.0").1
      #expect(updated.components(of: "\"identity\"") == 3, "the fourth was not asked: \(updated)")
      let summary = try await cluster.finish(fleet: fleet)
      #expect(summary.contains(#""downloads":3"#), "\(summary)")
    }
  }

  @Test("SIGTERM ends every role in order, with exit code 0")
  func stopping() async throws {
    let roles = ["worker", "scheduler", "northbound", "gateway", "all"]
    try await TestCluster.with(.postgresql, roles: roles) { cluster in
      let cpe = TestCPE(cluster, serial: "open")
      try await cpe.inform()
      for role in roles.reversed() {
        let code = try await cluster.stop(cluster.server(role))
        #expect(code == 0, "\(role)")
      }
    }
  }
}
