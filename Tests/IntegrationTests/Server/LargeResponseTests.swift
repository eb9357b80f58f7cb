import Glibc
import HTTP
import Networking
import Testing

@Suite("Very large responses", .serialized, .timeLimit(.minutes(5)))
struct LargeResponseTests {
  private static let task =
    #"{"method":"GetParameterValues","arguments":{"names":["InternetGatewayDevice.DeviceInfo.SerialNumber"]}}"#
  private static let device = "/devices/00D09E-Carillon-00000002"

  /// Starts a fleet whose answers have so many bytes of values, asks one of its devices, and gives the finished task.
  private func ask(_ cluster: TestCluster, bytes: Int) async throws -> (task: String, fleet: pid_t) {
    let fleet = try await cluster.fleet([
      "-n", "2", "--rate", "10", "--interval", "2", "--retry-ms", "300", "--value-padding", String(bytes),
    ])
    try await cluster.eventually("the device is known") { try await cluster.api(Self.device).0 == .ok }
    let (status, made) = try await cluster.api("\(Self.device)/tasks", method: "POST", body: Self.task)
    #expect(status == .accepted, "\(made.prefix(300))")
    let id = try #require(made.split(separator: "\"").dropFirst(3).first)
    var task = ""
    try await cluster.eventually("the task is over", within: .seconds(90)) {
      task = try await cluster.api("/tasks/\(id)").1
      return ["succeeded", "failed", "dead", "expired"].contains { task.contains("\"state\":\"\($0)\"") }
    }
    return (task, fleet)
  }

  @Test("a GetParameterValuesResponse of 12 MiB passes the whole path", arguments: TestCluster.Log.available)
  func large(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log) { cluster in
      // With its markup the answer is 12.6 MiB.
      let (task, fleet) = try await ask(cluster, bytes: 9 << 20)
      #expect(task.contains(#""state":"succeeded""#), "\(task.prefix(600))")
      #expect(task.utf8.count > 9 << 20 && task.contains("X_CARILLON_Padding.23593."))
      let summary = try await cluster.finish(fleet: fleet)
      #expect(summary.contains("\"failed\":0,"), "\(summary)")
      #expect(await cluster.logged("worker", "worker failure") == 0)
    }
  }

  @Test(
    "one beyond the limit fails its task with the reason, once, and the device's next session is served",
    arguments: TestCluster.Log.available)
  func tooLarge(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log) { cluster in
      let (task, fleet) = try await ask(cluster, bytes: 17 << 20)
      #expect(task.contains(#""state":"failed""#) && task.contains("larger than allowed"), "\(task.prefix(600))")
      #expect(task.contains(#""attempt":1"#), "\(task.prefix(600))")
      let served = try await cluster.metric("carillon_informs_accepted_total", of: cluster.server("gateway"))
      try await cluster.eventually("the device informs again") {
        try await cluster.metric("carillon_informs_accepted_total", of: cluster.server("gateway")) > served + 4
      }
      let summary = try await cluster.finish(fleet: fleet)
      #expect(summary.contains("\"failed\":1,") && summary.contains("\"status_413\":1"), "\(summary)")
    }
  }
}
