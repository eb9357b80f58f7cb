import CWMP
import Glibc
import HTTP
import Networking
import Testing

@Suite("Directives that lag", .serialized, .timeLimit(.minutes(5)))
struct LagTests {
  @Test(
    "workers stop under load: no POST is held beyond its deadline, then routine ones end at once; work is done later",
    arguments: TestCluster.Log.available)
  func stoppedWorkers(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log) { cluster in
      let cpe = TestCPE(cluster, serial: "patient")
      try await cpe.provision()
      let fleet = try await cluster.fleet(["-n", "40", "--rate", "40", "--interval", "2", "--retry-ms", "300"])
      try await cluster.eventually("the fleet informs") {
        try await cluster.metric("carillon_worker_records_total", of: cluster.server("worker")) > 200
      }
      let age = "carillon_worker_record_age_seconds"
      let (all, quick) = (age + "_count", age + #"_bucket{le="10"}"#)
      #expect(try await cluster.metric(all, of: cluster.server("worker")) > 0)
      #expect(
        try await cluster.metric(all, of: cluster.server("worker"))
          == cluster.metric(quick, of: cluster.server("worker")))
      await cluster.signal(cluster.server("worker"), SIGSTOP)
      let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#
      _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: body)

      #expect(try await cpe.inform().status == .ok, "the log has it, whoever reads it")
      let began = ContinuousClock.now
      #expect(try await cpe.empty().status == .noContent)
      #expect(ContinuousClock.now - began < .seconds(10), "CPEs give up after 30 s")
      try await cluster.eventually("routine sessions are not held any more", within: .seconds(30)) {
        await cluster.logged("gateway", #""waited":false"#) > 10
      }
      // A boot is no routine: it waits for what may be wanted of it.
      let waiting = await cluster.logged("gateway", #""waited":true"#)
      #expect(try await cpe.inform([EventStruct(.boot)]).status == .ok)
      #expect(try await cpe.empty().status == .noContent)
      #expect(await cluster.logged("gateway", #""waited":true"#) > waiting)

      await cluster.signal(cluster.server("worker"), SIGCONT)
      try await cluster.eventually("the work is done", within: .seconds(60)) {
        try await cpe.inform()
        _ = try await cpe.work()
        return try await cluster.api("/devices/\(cpe.identity)/tasks?method=GetParameterValues").1.contains("succeeded")
      }
      #expect(
        try await cluster.metric(all, of: cluster.server("worker"))
          > cluster.metric(quick, of: cluster.server("worker")), "a worker that is behind shows it")
      let summary = try await cluster.finish(fleet: fleet)
      #expect(summary.contains(#""provisioned":40"#), "\(summary)")
    }
  }
}
