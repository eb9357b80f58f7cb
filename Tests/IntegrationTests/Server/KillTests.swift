import Glibc
import HTTP
import Networking
import Testing

@Suite("Processes killed under a fleet", .serialized, .timeLimit(.minutes(10)))
struct KillTests {
  @Test(
    "kill -9 of gateways and workers loses no Inform, no task, and does nothing dangerous twice (P1-P4)",
    arguments: TestCluster.Log.available)
  func kills(_ log: TestCluster.Log) async throws {
    let roles = ["worker", "worker", "scheduler", "northbound", "gateway"]
    try await TestCluster.with(log, roles: roles) { cluster in
      let policy = """
        name: base
        ensure:
          ${device.root}.ManagementServer.PeriodicInformInterval: 4
          ${device.root}.DeviceInfo.ProvisioningCode: carillon
        """
      let (put, answer) = try await cluster.api("/policies/base", method: "PUT", body: policy, type: "application/yaml")
      #expect(put == .created, "\(answer)")
      let history = "\(cluster.folder)/history"
      let fleet = try await cluster.fleet([
        "-n", "40", "--rate", "20", "--interval", "4", "--retry-ms", "300", "--boot-ms", "300", "--history", history,
        "--expect", "DeviceInfo.ProvisioningCode=carillon",
      ])
      try await cluster.eventually("devices are known") {
        try await cluster.api("/devices?limit=1000").1.components(of: "\"identity\"") == 40
      }
      var tasks: [String] = []
      for round in 0..<6 {
        for number in 1...4 {
          tasks += try await cluster.reboot("00D09E-Carillon-000000\(number * 4 / 10)\(number * 4 % 10)", round: round)
        }
        // At some point of the sessions that are running just then.
        try await cluster.loop.sleep(for: .milliseconds(Int.random(in: 200...1500)))
        try await cluster.replace(cluster.server(round % 2 == 0 ? "gateway" : "worker"))
      }
      #expect(tasks.count == 24, "the API takes tasks whatever dies beside it")
      try await cluster.eventually("every task is settled", within: .seconds(90)) {
        try await cluster.api("/tasks?state=live&limit=1000&method=Reboot").1.components(of: "\"id\"") == 0
      }
      try await cluster.eventually("every device is as its policy demands", within: .seconds(60)) {
        try await cluster.api("/tasks?state=live&limit=1000").1.components(of: "\"id\"") == 0
      }
      let summary = try await cluster.finish(fleet: fleet)
      #expect(summary.contains("\"provisioned\":40"), "\(summary)")
      // No acknowledged Inform is missing, no Reboot came twice: its history and the server's agree.
      try await cluster.agrees(with: history)
      for task in tasks {
        let text = try await cluster.api("/tasks/\(task)").1
        #expect(text.contains(#""method":"Reboot""#), "\(text)")
      }
    }
  }

  @Test("what the API has accepted is there, whenever it or PostgreSQL is killed (P2)")
  func accepted() async throws {
    let server = TestPostgreSQL.Private("accepted")
    defer { server.remove() }
    let database = TestDatabase(connection: try server.start())
    let roles = ["worker", "northbound", "gateway"]
    try await TestCluster.with(.postgresql, database: database, roles: roles) { cluster in
      let cpe = TestCPE(cluster, serial: "asked")
      try await cpe.provision()
      let path = "/devices/\(cpe.identity)/tasks"
      var accepted: [String] = []
      for round in 0..<6 {
        // Four ask at once while one of the two dies.
        let taken = try await withThrowingTaskGroup(of: [String].self) { group in
          for _ in 0..<4 {
            group.addTask {
              var taken: [String] = []
              for _ in 0..<12 {
                guard let answer = try? await cluster.api(path, method: "POST", body: #"{"method":"GetRPCMethods"}"#),
                  answer.0 == .accepted, let id = answer.1.split(separator: "\"").dropFirst(3).first
                else { continue }
                taken.append(String(id))
              }
              return taken
            }
          }
          try await cluster.loop.sleep(for: .milliseconds(Int.random(in: 5...60)))
          if round % 2 == 0 {
            try await cluster.replace(cluster.server("northbound"))
          } else {
            try server.kill()
            try server.start()
          }
          return try await group.reduce(into: []) { $0 += $1 }
        }
        accepted += taken
        try await cluster.eventually("the API is back", within: .seconds(30)) {
          try await cluster.reviveAll()
          return try await cluster.api("/tasks?limit=1").0 == .ok
        }
        // So that there is room for more.
        try await cpe.inform()
        _ = try? await cpe.work()
      }
      #expect(accepted.count > 20, "some are taken in each round: \(accepted.count)")
      #expect(Set(accepted).count == accepted.count)
      for task in accepted { #expect(try await cluster.api("/tasks/\(task)").0 == .ok, "task \(task)") }
    }
  }
}

extension TestCluster {
  /// Asks for a Reboot of a device, with little time for it; gives its task's id.
  fileprivate func reboot(_ device: String, round: Int) async throws -> [String] {
    let body = #"{"method":"Reboot","deadline_seconds":20,"idempotency_key":"round-\#(round)"}"#
    let (status, text) = try await api("/devices/\(device)/tasks", method: "POST", body: body)
    guard status == .accepted || status == .ok else { return [] }
    return text.split(separator: "\"").dropFirst(3).first.map { [String($0)] } ?? []
  }
}
