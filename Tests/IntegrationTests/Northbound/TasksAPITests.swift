import Cryptography
import EventLog
import Fleet
import HTTP
import Networking
import PostgreSQL
import Testing

@testable import Northbound

@Suite("The API's tasks (issue item 9; promises P2, P5)", .timeLimit(.minutes(2)))
struct TasksAPITests {
  private let reading = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo."]}}"#

  @Test("A task is there, with its wake-up and its event, before the client is told of it")
  func created() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let answer = try await api.send("POST", "/devices/\(device)/tasks", reading)
      #expect(answer.status == 202)
      let id = answer.text("id")
      #expect(answer.response["location"] == "/api/v1/tasks/\(id)")
      #expect(answer.text("state") == "queued")
      #expect(answer.text("origin_name") == "tests")
      #expect(answer["once"] == .bool(false))
      #expect(try await api.number("SELECT count(*) FROM wakeup WHERE device = '\(device)'") == 1)
      let event = try await api.lane.query(
        Statement(
          "test.event", "SELECT topic, seq, lane, headers, convert_from(value, 'UTF8')::json->>'task' FROM outbox"))
      #expect(event.count == 1)
      #expect(try event[0].int16(0) == Topic.taskEvents.rawValue)
      #expect(try event[0].int64(1) == 1)
      #expect(try event[0].int16(2) == TaskStore.outboxLane(of: device))
      let headers = RecordHeaders(bytes: try event[0].bytes(3))
      #expect(headers.first("ce_type").map { String(decoding: $0, as: UTF8.self) } == "carillon.task.queued.v1")
      #expect(try event[0].text(4) == id)
      #expect(try await api.number("SELECT event_seq FROM device_contact") == 1)
      let again = try await api.send("GET", "/tasks/\(id)")
      #expect(again.json == answer.json)
    }
  }

  @Test("A device is found by its identity as by its id; a stranger is 404")
  func identity() async throws {
    try await NorthboundFixture.with { api in
      try await api.device(7)
      #expect(try await api.send("POST", "/devices/00D09E-Router-7/tasks", #"{"method":"Reboot"}"#).status == 202)
      let answer = try await api.send("POST", "/devices/00D09E-Router-8/tasks", #"{"method":"Reboot"}"#)
      #expect(answer.status == 404)
      #expect(answer.text("type") == "urn:carillon:problem:not-found")
      #expect(answer.text("field") == "device")
    }
  }

  @Test("The same idempotency key gives the same task, live or over; another request under it is refused")
  func idempotency() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let key = [(name: "Idempotency-Key", value: "\"order-1\"")]
      let first = try await api.send("POST", "/devices/\(device)/tasks", reading, fields: key)
      let second = try await api.send("POST", "/devices/\(device)/tasks", reading, fields: key)
      #expect(second.status == 202)
      #expect(second.text("id") == first.text("id"))
      #expect(second.response["idempotent-replayed"] == "true")
      let other = try await api.send("POST", "/devices/\(device)/tasks", #"{"method":"Reboot"}"#, fields: key)
      #expect(other.status == 422)
      #expect(other.text("type") == "urn:carillon:problem:idempotency-key-reused")
      _ = try await api.send("POST", "/tasks/\(first.text("id"))/cancel")
      let third = try await api.send("POST", "/devices/\(device)/tasks", reading, fields: key)
      #expect(third.text("id") == first.text("id"))
      #expect(third.text("state") == "cancelled")
      #expect(try await api.number("SELECT count(*) FROM task") == 0)
    }
  }

  @Test("Many requests with one key at once make one task, whichever server they come to")
  func race() async throws {
    try await NorthboundFixture.with(servers: 3) { api in
      let device = try await api.device(1)
      let body = #"{"method":"Reboot","idempotency_key":"night"}"#
      let ids = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<40 {
          group.addTask {
            let answer = try await api.send("POST", "/devices/\(device)/tasks", body)
            #expect(answer.status == 202)
            return answer.text("id")
          }
        }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(ids.count == 1)
      #expect(try await api.number("SELECT count(*) FROM task") == 1)
      #expect(try await api.number("SELECT count(*) FROM outbox") == 1)
    }
  }

  @Test("A queued task is called off with an event; one that was sent is not (409 with its state)")
  func cancelled() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let task = try await api.send("POST", "/devices/\(device)/tasks", reading).text("id")
      let answer = try await api.send("POST", "/tasks/\(task)/cancel")
      #expect(answer.status == 200)
      #expect(answer.text("state") == "cancelled")
      #expect(answer.text("fault", "message") == "cancelled by tests")
      #expect(try await api.number("SELECT count(*) FROM wakeup") == 0)
      #expect(try await api.number("SELECT count(DISTINCT seq) FROM outbox") == 2)
      #expect(try await api.send("POST", "/tasks/\(task)/cancel").status == 200)

      let sent = try await api.send("POST", "/devices/\(device)/tasks", reading).text("id")
      try await api.run("UPDATE task SET state = 2 WHERE id = '\(sent)'")
      let refused = try await api.send("POST", "/tasks/\(sent)/cancel")
      #expect(refused.status == 409)
      #expect(refused.text("type") == "urn:carillon:problem:task-not-queued")
      #expect(refused.text("state") == "dispatched")
    }
  }

  @Test("?wait answers when the task is over, and with the task as it stands when the time is")
  func waits() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let early = try await api.send("POST", "/devices/\(device)/tasks?wait=1", reading)
      #expect(early.status == 202)
      async let waiting = api.send("GET", "/tasks/\(early.text("id"))?wait=20")
      _ = try await api.send("POST", "/tasks/\(early.text("id"))/cancel")
      #expect(try await waiting.text("state") == "cancelled")
      #expect(try await api.send("GET", "/tasks/\(early.text("id"))?wait=301").status == 422)
    }
  }

  @Test("A finished, unsuccessful task is queued anew once, however often it is asked")
  func redriven() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let task = try await api.send("POST", "/devices/\(device)/tasks", reading).text("id")
      #expect(try await api.send("POST", "/tasks/\(task)/redrive").status == 409)
      _ = try await api.send("POST", "/tasks/\(task)/cancel")
      let one = try await api.send("POST", "/tasks/\(task)/redrive")
      #expect(one.status == 202)
      #expect(one.text("id") != task)
      #expect(try await api.send("POST", "/tasks/\(task)/redrive").text("id") == one.text("id"))
    }
  }

  @Test("Secrets that a task carries are not shown")
  func masked() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let body = """
        {"method":"SetParameterValues","arguments":{"parameters":[
          {"name":"Device.WiFi.AccessPoint.1.Security.KeyPassphrase","value":"hunter22"},
          {"name":"Device.WiFi.SSID.1.SSID","value":"home"}]}}
        """
      let answer = try await api.send("POST", "/devices/\(device)/tasks", body)
      #expect(answer.text("arguments", "parameters", "0", "value") == "********")
      #expect(answer.text("arguments", "parameters", "1", "value") == "home")
      #expect(try await api.number("SELECT count(*) FROM task WHERE arguments::text LIKE '%hunter22%'") == 1)
      let list = try await api.send("GET", "/devices/\(device)/tasks")
      #expect(!String(decoding: list.response.body, as: UTF8.self).contains("hunter22"))
    }
  }

  @Test("Pages of tasks are newest first, go through live and finished ones, and lose none")
  func pages() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      var made: [String] = []
      for number in 0..<7 {
        let task = try await api.send("POST", "/devices/\(device)/tasks", reading).text("id")
        made.append(task)
        if number % 2 == 0 { _ = try await api.send("POST", "/tasks/\(task)/cancel") }
      }
      for path in ["/tasks", "/devices/\(device)/tasks"] {
        var seen: [String] = []
        var cursor = ""
        repeat {
          let page = try await api.send("GET", "\(path)?limit=3&cursor=\(cursor)")
          #expect(page.status == 200)
          if case .array(let tasks) = page["tasks"] {
            for index in tasks.indices { seen.append(page.text("tasks", String(index), "id")) }
          }
          cursor = page.text("next_cursor")
        } while !cursor.isEmpty
        #expect(seen == made.reversed())
      }
      for (states, count) in [("live", 3), ("finished", 4), ("queued,cancelled", 7), ("dead", 0)] {
        let answer = try await api.send("GET", "/tasks?state=\(states)&method=GetParameterValues")
        guard case .array(let tasks)? = answer["tasks"] else {
          Issue.record("\(states): \(answer.json)")
          continue
        }
        #expect(tasks.count == count, "\(states)")
      }
      #expect(try await api.send("GET", "/tasks?state=quick").status == 422)
    }
  }

  @Test("A task may wait for another of its device that can still succeed")
  func dependencies() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let other = try await api.device(2)
      let first = try await api.send("POST", "/devices/\(device)/tasks", reading).text("id")
      let body = #"{"method":"Reboot","depends_on":"\#(first)"}"#
      #expect(try await api.send("POST", "/devices/\(device)/tasks", body).text("depends_on") == first)
      #expect(try await api.send("POST", "/devices/\(other)/tasks", body).status == 422)
      _ = try await api.send("POST", "/tasks/\(first)/cancel")
      #expect(try await api.send("POST", "/devices/\(device)/tasks", body).status == 422)
    }
  }

  @Test("A task that waits for one whose end is just being committed is refused if that failed")
  func dependencyEndsMeanwhile() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let first = try await api.send("POST", "/devices/\(device)/tasks", reading).text("id")
      let body = #"{"method":"Reboot","depends_on":"\#(first)"}"#
      var asked: Task<Int, any Error>?
      try await api.lane.transaction(deadline: .seconds(20)) { worker in
        let id = try #require(UUID128(first))
        _ = try await worker.query(TaskStatements.lock, .uuid(id))
        asked = Task { try await api.send("POST", "/devices/\(device)/tasks", body).status }
        let waits = Statement(
          "test.waits", "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")
        while try await worker.query(waits).isEmpty {}
        try await TaskStore.finish([id], .failed, fault: "{}", in: worker)
      }
      #expect(try await asked?.value == 422)
    }
  }

  @Test("What was committed is answered 202, also where nobody can wait for it: an error would be asked again (P2)")
  func committedIsAccepted() async throws {
    var settings = NorthboundSettings()
    settings.maximumWaiting = 0
    try await NorthboundFixture.with(settings) { api in
      let device = try await api.device(1)
      #expect(try await api.send("POST", "/devices/\(device)/tasks?wait=60", reading).status == 202)
      #expect(try await api.number("SELECT count(*) FROM task") == 1)
    }
  }

  @Test("A device takes so many live tasks and no more")
  func tooMany() async throws {
    var settings = NorthboundSettings()
    settings.maximumLiveTasks = 2
    try await NorthboundFixture.with(settings) { api in
      let device = try await api.device(1)
      for expected in [202, 202, 429] {
        #expect(try await api.send("POST", "/devices/\(device)/tasks", reading).status == expected)
      }
    }
  }
}
