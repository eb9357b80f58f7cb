import EventLog
import HTTP
import Networking
import Testing

@Suite("The main job, end to end", .serialized, .timeLimit(.minutes(5)))
struct StoryTests {
  @Test(
    "an unknown CPE is registered, gets credentials and its policy, is woken for a task, and all is told",
    arguments: TestCluster.Log.available)
  func story(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log) { cluster in
      let policy = """
        name: welcome
        match: {oui: 00D09E}
        ensure:
          ${device.root}.ManagementServer.PeriodicInformInterval: 600
          ${device.root}.DeviceInfo.ProvisioningCode: carillon
        """
      _ = try await cluster.api("/policies/welcome", method: "PUT", body: policy, type: "application/yaml")
      let fleet = try await cluster.fleet([
        "-n", "2", "--rate", "10", "--interval", "600", "--boot-ms", "200",
        "--expect", "DeviceInfo.ProvisioningCode=carillon",
      ])
      let worker = await cluster.server("worker")
      let device = "/devices/00D09E-Carillon-00000002"
      // Credentials and the policy's values: two RPCs a device, both answered.
      try await cluster.eventually("both are provisioned") {
        try await cluster.metric("carillon_worker_tasks_finished_total", of: worker) == 4
      }
      let path = "InternetGatewayDevice.DeviceInfo."
      let values = try await cluster.api("\(device)/parameters?path=\(path)").1
      #expect(values.contains("carillon"), "\(values)")

      // A task wakes the device by a connection request: it would not come by itself for ten minutes.
      let body =
        #"{"method":"GetParameterValues","arguments":{"names":["InternetGatewayDevice.DeviceInfo.SerialNumber"]}}"#
      let asked = try await cluster.api("\(device)/tasks?wait=30", method: "POST", body: body)
      #expect(asked.0 == .ok && asked.1.contains(#""state":"succeeded""#), "\(asked.1)")
      #expect(asked.1.contains("00000002"))
      let sent = try await cluster.metric("carillon_worker_rpcs_dispatched_total", of: worker)
      #expect(sent == 5, "that session carried the task and nothing else: the policies' work was done")

      try await cluster.eventually("the events are on their topics") {
        let devices = try await cluster.events(.deviceEvents)
        let tasks = try await cluster.events(.taskEvents)
        return devices.count { $0 == "carillon.device.registered.v1" } == 2
          && devices.count { $0 == "carillon.device.bootstrapped.v1" } == 2
          && tasks.contains("carillon.task.succeeded.v1")
      }
      let summary = try await cluster.finish(fleet: fleet)
      #expect(summary.contains("\"provisioned\":2") && summary.contains("\"connection_requests\":1"), "\(summary)")
    }
  }
}
