import CWMP
import Cryptography
import EventLog
import HTTP
import Networking
import PostgreSQL
import Testing

@Suite("Devices that stop, records that come again", .serialized, .timeLimit(.minutes(10)))
struct AbandonTests {
  @Test("a device that stops mid-session: `lost` ends its session; one that never comes back: `due` settles its tasks")
  func lostAndDue() async throws {
    try await TestCluster.with(.postgresql, settings: "worker: {session_timeout: 5s}") { cluster in
      let stopping = TestCPE(cluster, serial: "stopping")
      let leaving = TestCPE(cluster, serial: "leaving")
      for cpe in [stopping, leaving] { try await cpe.provision() }
      let get = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#
      _ = try await cluster.api("/devices/\(stopping.identity)/tasks", method: "POST", body: get)
      let reboot = #"{"method":"Reboot","deadline_seconds":12}"#
      _ = try await cluster.api("/devices/\(leaving.identity)/tasks", method: "POST", body: reboot)
      for cpe in [stopping, leaving] {
        try await cpe.inform()
        #expect(try await cpe.empty().request != nil)
      }
      func tasks(_ cpe: TestCPE, _ method: String) async throws -> String {
        try await cluster.api("/devices/\(cpe.identity)/tasks?method=\(method)").1
      }
      #expect(try await tasks(stopping, "GetParameterValues").contains(#""state":"dispatched""#))
      try await cluster.eventually("what may be repeated waits for the next session", within: .seconds(30)) {
        try await tasks(stopping, "GetParameterValues").contains(#""state":"queued""#)
      }
      try await cluster.eventually("what may not is in doubt", within: .seconds(30)) {
        try await tasks(leaving, "Reboot").contains(#""state":"in_doubt""#)
      }
      try await stopping.inform()
      #expect(try await stopping.work().map(\.method) == [.getParameterValues])
      #expect(try await tasks(stopping, "GetParameterValues").contains(#""state":"succeeded""#))
      try await cluster.eventually("its deadline settles it", within: .seconds(60)) {
        try await tasks(leaving, "Reboot").contains(#""state":"failed""#)
      }
      // Long after its session's end, with its good cookie, on another connection: answered, and nothing is sent twice.
      #expect(try await leaving.work().isEmpty)
      try await leaving.inform([EventStruct(.boot)])
      #expect(try await leaving.work().isEmpty)
    }
  }

  /// Events may be told again, but not as other ones.
  private static let eventIDs =
    "SELECT count(DISTINCT substring(headers from position('ce_id'::bytea in headers) for 60)) FROM outbox"

  @Test("every record of a finished story once more, in order: nothing is sent, told anew or changed (P2-P5)")
  func replayed() async throws {
    try await TestPostgreSQL.withDatabase { database in
      let roles = ["worker", "northbound", "gateway"]
      try await TestCluster.with(.postgresql, database: database, roles: roles) { cluster in
        let cpe = TestCPE(cluster, serial: "twice")
        try await cpe.provision()
        let path = "/devices/\(cpe.identity)"
        _ = try await cluster.api("\(path)/tasks", method: "POST", body: #"{"method":"Reboot"}"#)
        try await cpe.inform()
        #expect(try await cpe.work().map(\.method) == [.reboot])
        try await cpe.inform([EventStruct(.boot)])
        _ = try await cpe.work()
        func state() async throws -> [String] {
          let device = try await cluster.api(path).1
          let worker = await cluster.server("worker")
          return [
            // But for the count of events at its end.
            try await cluster.api("\(path)/tasks").1, String(device.prefix(while: { $0 != "}" }).dropLast(2)),
            String(try await cluster.metric("carillon_worker_rpcs_dispatched_total", of: worker)),
            String(try await cluster.metric("carillon_worker_tasks_finished_total", of: worker)),
            String(try await database.number(Self.eventIDs)),
          ]
        }
        let before = try await state()
        let told = try await cluster.metric("carillon_worker_records_total", of: cluster.server("worker"))

        let log = try await PostgreSQLLog.open(LaneSettings(connection: database.connection), on: cluster.loop)
        let records = try await log.everything(of: .messages, on: cluster.loop)
        #expect(records.count == told)
        for record in records {
          let again = OutgoingRecord(
            partition: record.partition, key: record.key, headers: record.headers, value: record.value)
          _ = try await cluster.loop.append(again, to: log)
        }
        try await cluster.eventually("all have been folded again") {
          try await cluster.metric("carillon_worker_records_total", of: cluster.server("worker")) == 2 * told
        }
        await log.shutdown()
        let after = try await state()
        #expect(after == before, "\(zip(after, before).filter { $0 != $1 })")
        try await cpe.inform()
        #expect(try await cpe.work().isEmpty)
      }
    }
  }

  @Test("cookies that are forged, another device's, or of a session that another has overtaken do nothing (P6)")
  func cookies() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let first = TestCPE(cluster, serial: "first")
      let second = TestCPE(cluster, serial: "second")
      for cpe in [first, second] { try await cpe.provision() }
      try await first.inform()
      let cookie = try #require(first.cookie)
      #expect(try await second.post([], cookie: cookie).status == .forbidden)
      let position = cookie.index(cookie.startIndex, offsetBy: cookie.count / 2)
      let other: Character = cookie[position] == "A" ? "B" : "A"
      let forged = cookie.replacingCharacter(at: position, by: other)
      #expect(try await first.post([], cookie: forged).status == .badRequest)
      #expect(try await first.work().isEmpty, "its own session goes on")

      // The session has ended with a 204. A CPE that asks again under its cookie did not get that: it gets it again, or
      // what has come meanwhile; else that comes with its next Inform.
      _ = try await cluster.api("/devices/\(first.identity)/tasks", method: "POST", body: #"{"method":"Reboot"}"#)
      var work = try await first.work().map(\.method)
      if work.isEmpty {
        try await first.inform()
        work = try await first.work().map(\.method)
      }
      #expect(work == [.reboot])
      #expect(try await first.work().isEmpty)

      // With the old cookie in the new session's place, as simple CPEs do (Q2): nothing is sent under it.
      _ = try await cluster.api("/devices/\(first.identity)/tasks", method: "POST", body: #"{"method":"FactoryReset"}"#)
      try await first.inform()
      #expect(try await first.post([], cookie: cookie).status == .noContent)
      let tasks = try await cluster.api("/devices/\(first.identity)/tasks?method=FactoryReset").1
      #expect(tasks.contains(#""state":"queued""#))
      #expect(try await first.work().map(\.method) == [.factoryReset])
    }
  }
}

extension String {
  fileprivate func replacingCharacter(at index: Index, by character: Character) -> String {
    self[..<index] + String(character) + self[self.index(after: index)...]
  }
}

extension TestDatabase {
  /// How many rows a table has.
  fileprivate func count(_ table: String) async throws -> Int64 {
    try await withLane { lane in
      try await lane.query(Statement("test.count", "SELECT count(*) FROM \(table)")).first?.int64(0) ?? 0
    }
  }
}
