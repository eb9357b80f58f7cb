import CWMP
import Glibc
import HTTP
import Networking
import Testing

@Suite("Directives that lag", .serialized, .timeLimit(.minutes(10)))
struct LagTests {
  @Test(
    "workers stop for a minute under load: no POST is held beyond its deadline, memory stays, all is done afterwards",
    arguments: TestCluster.Log.available)
  func stoppedWorkers(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log) { cluster in
      let cpe = TestCPE(cluster, serial: "patient")
      try await cpe.provision()
      let history = "\(cluster.folder)/history"
      let fleet = try await cluster.fleet([
        "-n", "60", "--rate", "40", "--interval", "2", "--retry-ms", "300", "--model", "tr181", "--history", history,
      ])
      let (worker, gateway) = await (cluster.server("worker"), cluster.server("gateway"))
      try await cluster.eventually("the fleet informs") {
        try await cluster.metric("carillon_worker_records_total", of: worker) > 400
      }
      await cluster.signal(worker, SIGSTOP)
      let stopped = ContinuousClock.now
      let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#
      var tasks = [try await cluster.ask(cpe.identity, body)]
      for number in 1...20 {
        tasks.append(try await cluster.ask("00D09E-Carillon-000000\(number / 10)\(number % 10)", Self.setting(number)))
      }

      #expect(try await cpe.inform().status == .ok, "the log has it, whoever reads it")
      let began = ContinuousClock.now
      #expect(try await cpe.empty().status == .noContent)
      let held = ContinuousClock.now - began
      #expect(held < .seconds(7), "5 s are given to a directive: \(held)")
      try await cluster.eventually("routine sessions are not held any more", within: .seconds(12)) {
        await cluster.logged("gateway", #""waited":false"#) > 10
      }
      // A boot is no routine: it waits for what may be wanted of it.
      let waiting = await cluster.logged("gateway", #""waited":true"#)
      #expect(try await cpe.inform([EventStruct(.boot)]).status == .ok)
      #expect(try await cpe.empty().status == .noContent)
      #expect(await cluster.logged("gateway", #""waited":true"#) > waiting)

      try await cluster.loop.sleep(for: stopped + .seconds(20) - .now)
      let early = try gateway.residentKiB()
      try await cluster.loop.sleep(for: stopped + .seconds(60) - .now)
      let late = try gateway.residentKiB()
      #expect(Double(late) < 1.2 * Double(early), "the gateway's memory: \(early) KiB, then \(late)")

      await cluster.signal(worker, SIGCONT)
      try await cluster.eventually("the work is done", within: .seconds(60)) {
        try await cpe.inform()
        _ = try await cpe.work()
        return try await cluster.api("/tasks?state=live&limit=1000").1.components(of: "\"id\"") == 0
      }
      for task in tasks {
        let text = try await cluster.api("/tasks/\(task)").1
        #expect(text.contains(#""state":"succeeded""#), "\(text)")
      }
      let age = "carillon_worker_record_age_seconds"
      #expect(
        try await cluster.metric(age + "_count", of: worker)
          > cluster.metric(age + #"_bucket{le="10"}"#, of: worker), "a worker that is behind shows it")
      let summary = try await cluster.finish(fleet: fleet)
      #expect(summary.contains(#""provisioned":60"#), "\(summary)")
      let longest = summary.firstRange(of: #""post_max_ms":"#).flatMap {
        Double(summary[$0.upperBound...].prefix { $0 != "," })
      }
      #expect(try #require(longest) < 10_000, "the longest that a POST of the fleet was held, ms")
      try await cluster.agrees(with: history)
    }
  }

  private static func setting(_ number: Int) -> String {
    #"{"method":"SetParameterValues","arguments":{"parameters":[{"name":"Device.DeviceInfo.ProvisioningCode","#
      + #""value":"p\#(number)","type":"xsd:string"}]}}"#
  }
}

extension TestCluster.Server {
  /// The process's resident memory.
  func residentKiB() throws -> Int { Int(try run("awk '/^VmRSS/ { print $2 }' /proc/\(pid)/status")) ?? 0 }
}

extension TestCluster {
  /// Queues a task; gives its id.
  func ask(_ device: String, _ body: String) async throws -> String {
    let (status, text) = try await api("/devices/\(device)/tasks", method: "POST", body: body)
    guard status == .accepted, let id = text.split(separator: "\"").dropFirst(3).first else {
      throw NeverHappened(what: "a task: \(status) \(text)")
    }
    return String(id)
  }

  /// All that is on the log is folded, and the server holds what CPEs saw; the last records may be under way.
  func agrees(with history: String) async throws {
    try await eventually("all that is on the log is folded", within: .seconds(60)) {
      let (status, text) = try await self.api("/log")
      return status == .ok && text.components(of: #""behind":0"#) == text.components(of: #""behind":"#)
    }
    let end = ContinuousClock.now + .seconds(30)
    while true {
      let differences = try verify(history)
      if differences.contains(#""differences":[]"#) { return }
      guard ContinuousClock.now < end else { throw NeverHappened(what: "agreement: \(differences)") }
      try await loop.sleep(for: .seconds(1))
    }
  }
}
