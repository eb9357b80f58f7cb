import CWMP
import Glibc
import HTTP
import Networking
import PostgreSQL
import Testing

@Suite("More partitions for a log in use", .serialized, .timeLimit(.minutes(10)))
struct MorePartitionsTests {
  @Test(
    "a range that is added under load takes over: no session fails for it, nothing is lost or done twice",
    arguments: TestCluster.Log.available)
  func underLoad(_ log: TestCluster.Log) async throws {
    let roles = ["worker", "worker", "scheduler", "northbound", "gateway", "gateway"]
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(log, database: database, roles: roles) { cluster in
        let history = "\(cluster.folder)/history"
        let fleet = try await cluster.fleet([
          "-n", "60", "--rate", "30", "--interval", "2", "--boot-ms", "300", "--history", history,
        ])
        try await cluster.eventually("devices are known") {
          try await cluster.api("/devices?limit=1000").1.components(of: "\"identity\"") == 60
        }
        #expect(try await cluster.migrate("--partitions", "4").contains("4 partitions now") == false)
        let told = try await cluster.migrate("--partitions", "9")
        #expect(told.contains("partitions 4 to 12 of messages"), "\(told)")
        #expect(try await cluster.migrate("--partitions", "9").contains("4 to 12") == false, "it is under way already")

        // Meanwhile, and after it, there is work as always.
        var asked = 0
        try await cluster.eventually("workers read the new range", within: .seconds(90)) {
          for number in 1...3 {
            let body = #"{"method":"Reboot","deadline_seconds":60}"#
            let device = "00D09E-Carillon-000000\(number * 7 % 60 + 10)"
            let answer = try await cluster.api("/devices/\(device)/tasks", method: "POST", body: body)
            if answer.0 == .accepted { asked += 1 }
          }
          try await cluster.loop.sleep(for: .seconds(1))
          return try await database.number("SELECT count(*) FROM log_range WHERE is_read") == 2
        }
        #expect(asked > 0)
        let name = "log LIKE 'messages/%' AND"
        try await cluster.eventually("all records go there") {
          let before = try await database.number("SELECT sum(next_offset) FROM log_claim WHERE \(name) part < 4")
          try await cluster.loop.sleep(for: .seconds(5))
          let after = try await database.number("SELECT sum(next_offset) FROM log_claim WHERE \(name) part < 4")
          return before == after
        }
        try await cluster.eventually("every new partition that has a device is read") {
          try await database.number("SELECT count(*) FROM log_claim WHERE \(name) part >= 4 AND next_offset > 0") >= 8
        }
        #expect(
          try await database.number("SELECT count(*) FROM log_claim WHERE \(name) owner IS NOT NULL") == 13)
        try await cluster.eventually("every task is settled", within: .seconds(120)) {
          try await cluster.api("/tasks?state=live&limit=1000").1.components(of: "\"id\"") == 0
        }
        let summary = try await cluster.finish(fleet: fleet)
        #expect(summary.contains("\"failed\":0"), "\(summary)")
        try await cluster.agrees(with: history)
        // A process that starts anew finds all of it.
        _ = try await cluster.restart(cluster.server("gateway", 1))
        let cpe = TestCPE(cluster, serial: "after")
        #expect(try await cpe.inform([EventStruct(.bootstrap)], to: 1).status == .ok)
        #expect(try await cpe.work(gateways: 2).count == 1)
      }
    }
  }

  @Test("what comes into an old range after all is passed on, and folded as late", arguments: TestCluster.Log.available)
  func late(_ log: TestCluster.Log) async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(log, database: database, roles: ["worker", "northbound", "gateway"]) { cluster in
        let cpe = TestCPE(cluster, serial: "late")
        try await cpe.provision()
        _ = try await cluster.migrate("--partitions", "5")
        // A gateway that does not hear of it: it stands still, and afterwards waits for the table.
        await cluster.signal(cluster.server("gateway"), SIGSTOP)
        try await database.execute("UPDATE log_range SET begins_at = now() - interval '3 s' WHERE NOT is_read")
        try await cluster.eventually("workers read the new range") {
          try await database.number("SELECT count(*) FROM log_range WHERE is_read") == 2
        }
        try await database.withLane { lane in
          try await lane.transaction(deadline: .seconds(20)) { transaction in
            _ = try await transaction.query(Statement("test.lock", "LOCK TABLE log_range IN ACCESS EXCLUSIVE MODE"))
            await cluster.signal(cluster.server("gateway"), SIGCONT)
            #expect(try await cpe.inform(version: "9.9").status == .ok)
          }
        }
        #expect(try await cpe.work().isEmpty)
        try await cluster.eventually("it is folded") {
          try await cluster.api("/devices/\(cpe.identity)").1.contains(#""software_version":"9.9""#)
        }
        let folded = try await database.number(
          "SELECT count(*) FROM log_claim WHERE log LIKE 'messages/%' AND part >= 4 AND next_offset > 0")
        #expect(folded >= 1)
        // What it said stands in two partitions now, and what was passed on in both.
        let said = try await cluster.control("log cat --brief --device=\(cpe.identity)")
        #expect(said.contains("0 BOOTSTRAP, 1 BOOT") && said.components(of: " inform ") == 5, "\(said)")
        let (status, problem) = try await cluster.api("/log/messages?device=\(cpe.identity)&part=99")
        #expect(status == .unprocessableContent && problem.contains("the device's records are in part"), "\(problem)")
      }
    }
  }

  @Test("fewer, or others before the last ones are read, are refused and change nothing")
  func refused() async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(.postgresql, database: database, roles: ["northbound"]) { cluster in
        #expect(try await cluster.migrate("--partitions", "3").contains("messages have 4 partitions now"))
        _ = try await cluster.migrate("--partitions", "8")
        #expect(try await cluster.migrate("--partitions", "16").contains("wait for that"))
        #expect(try await database.number("SELECT sum(count) FROM log_range") == 12)
      }
    }
  }
}
