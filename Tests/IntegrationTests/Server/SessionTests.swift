import CWMP
import EventLog
import Glibc
import HTTP
import Networking
import Testing

@Suite("Sessions over real processes", .serialized, .timeLimit(.minutes(10)))
struct SessionTests {
  @Test("the whole story of one device", arguments: TestCluster.Log.available)
  func wholeStory(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log) { cluster in
      let cpe = TestCPE(cluster, serial: "story")
      // Unknown: it is registered and gets credentials of its own.
      #expect(try await cpe.inform([EventStruct(.bootstrap), EventStruct(.boot)]).status == .ok)
      let given = try await cpe.work()
      #expect(given.count == 1 && cpe.user == cpe.identity)
      // It comes with them, and there is nothing to do.
      #expect(try await cpe.inform().status == .ok)
      #expect(try await cpe.work().isEmpty)
      // A task of the API is done in its next session and its result can be read.
      let (status, text) = try await cluster.api(
        "/devices/\(cpe.identity)/tasks", method: "POST",
        body: #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#)
      #expect(status == .accepted)
      let task = try #require(text.split(separator: "\"").dropFirst(3).first.map(String.init))
      try await cpe.inform([EventStruct(.connectionRequest)])
      let asked = try await cpe.work()
      #expect(asked == [.getParameterValues(names: ["Device.DeviceInfo.UpTime"])])
      let (_, result) = try await cluster.api("/tasks/\(task)")
      #expect(result.contains(#""state":"succeeded""#) && result.contains("value of Device.DeviceInfo.UpTime"))
      let (_, device) = try await cluster.api("/devices/\(cpe.identity)")
      #expect(device.contains(#""software_version":"1.0""#))
      // The events left the outbox.
      try await cluster.eventually("the outbox is relayed") {
        try await cluster.metric("carillon_scheduler_failures_total", of: cluster.server("scheduler")) == 0
      }
    }
  }

  @Test("every POST of a session at another gateway gives the same result (P6)", arguments: TestCluster.Log.available)
  func manyGateways(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log, roles: ["worker", "northbound", "gateway", "gateway", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "wanderer")
      try await cpe.inform([EventStruct(.bootstrap)], to: 2)
      #expect(try await cpe.work(gateways: 3).count == 1)
      try await cpe.inform(to: 1)
      #expect(try await cpe.work(gateways: 3).isEmpty)
    }
  }

  @Test("a large response at a gateway that must look up whose it is waits for that; one too large fails its task")
  func largeElsewhere() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway", "gateway", "gateway"]) {
      cluster in
      let cpe = TestCPE(cluster, serial: "talker")
      try await cpe.provision()
      let tasks = "/devices/\(cpe.identity)/tasks"
      for (gateway, bytes, outcome) in [(1, 2 << 20, "succeeded"), (2, 17 << 20, "failed")] {
        let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.Description"]}}"#
        let made = try await cluster.api(tasks, method: "POST", body: body).1
        let id = try #require(made.split(separator: "\"").dropFirst(3).first)
        try await cpe.inform()
        let asked = try await cpe.empty()
        #expect(asked.request != nil)
        let value = ParameterValue("Device.DeviceInfo.Description", String(repeating: "x", count: bytes))
        let answer = try? await cpe.answer(.getParameterValues(ParameterList([value])), asked.id, to: gateway)
        // A client that goes on sending after 413 may find its connection reset.
        if bytes < 16 << 20 { #expect(answer?.status == .noContent) }
        try await cluster.eventually("the task has \(outcome)") {
          try await cluster.api("/tasks/\(id)").1.contains(#""state":"\#(outcome)""#)
        }
        #expect(try await cluster.api("/tasks/\(id)").1.contains(#""attempt":1"#))
      }
    }
  }

  @Test("a new Inform while a session is open takes over at once")
  func takeover() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "impatient")
      try await cpe.inform([EventStruct(.bootstrap)])
      let first = try await cpe.empty()
      #expect(first.request != nil)
      // Nothing was answered; the CPE begins anew and gets the same work as a new attempt.
      try await cpe.inform([EventStruct(.bootstrap)])
      let second = try await cpe.empty()
      #expect(second.request == first.request && second.id != first.id)
      // The old answer comes after all: it is no longer the attempt's, and its session is over.
      _ = try await cpe.answer(.setParameterValues(status: 0), second.id)
    }
  }

  @Test("an empty POST repeated on a new connection while a once task is out does not send it twice (P4)")
  func repeatedEmptyPost() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "repeater")
      try await cpe.inform([EventStruct(.bootstrap)])
      _ = try await cpe.work()
      _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: #"{"method":"Reboot"}"#)
      try await cpe.inform([EventStruct(.boot)])
      let first = try await cpe.empty()
      #expect(first.request?.method == .reboot)
      #expect(try await cpe.empty().status == .noContent)
      let (_, tasks) = try await cluster.api("/devices/\(cpe.identity)/tasks")
      #expect(tasks.contains("in_doubt"))
      // The session that failed, tried again: its events are older than the Reboot.
      try await cpe.inform([EventStruct(.boot)], retry: 1)
      #expect(try await cpe.work().isEmpty)
      #expect(try await cluster.api("/devices/\(cpe.identity)/tasks").1.contains("in_doubt"))
      // The restart it was told to do is the evidence.
      try await cpe.inform([EventStruct(.boot)])
      #expect(try await cpe.work().isEmpty)
      let (_, after) = try await cluster.api("/devices/\(cpe.identity)/tasks")
      #expect(after.contains(#""method":"Reboot""#) && after.contains("succeeded") && !after.contains("in_doubt"))
    }
  }

  @Test("an answer whose body is refused fails its repeatable task with the reason; a once task is in doubt (P4)")
  func refusedAnswers() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "garbler")
      try await cpe.inform([EventStruct(.bootstrap)])
      _ = try await cpe.work()
      let tasks = "/devices/\(cpe.identity)/tasks"
      for (method, outcome) in [("GetRPCMethods", "failed"), ("Reboot", "in_doubt")] {
        _ = try await cluster.api(tasks, method: "POST", body: #"{"method":"\#(method)"}"#)
        try await cpe.inform()
        #expect(try await cpe.empty().request != nil)
        #expect(try await cpe.post(Array("<not closed".utf8), cookie: cpe.cookie).status == .badRequest)
        try await cluster.eventually("the \(method) is \(outcome)") {
          try await cluster.api(tasks).1.contains(#""state":"\#(outcome)""#)
        }
        // Its session is over, and the next one is served.
        try await cpe.inform()
        #expect(try await cpe.work().isEmpty)
      }
    }
  }

  @Test("a Download whose TransferComplete comes in a later session succeeds though its own session ended")
  func transferCompleteLater() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "loader")
      try await cpe.inform([EventStruct(.bootstrap)])
      _ = try await cpe.work()
      _ = try await cluster.api(
        "/devices/\(cpe.identity)/tasks", method: "POST",
        body:
          #"{"method":"Download","arguments":{"file_type":"3 Vendor Configuration File","url":"http://f.example/a"}}"#
      )
      try await cpe.inform()
      let asked = try await cpe.work()
      guard case .download(let download)? = asked.first else {
        Issue.record("no Download but \(asked)")
        return
      }
      try await cpe.inform([
        EventStruct(.transferComplete), EventStruct(.download, commandKey: download.commandKey),
      ])
      let taken = try await cpe.request(.transferComplete(TransferComplete(commandKey: download.commandKey)))
      #expect(taken.status == .ok && String(decoding: taken.body, as: UTF8.self).contains("TransferCompleteResponse"))
      #expect(try await cpe.work().isEmpty)
      let (_, tasks) = try await cluster.api("/devices/\(cpe.identity)/tasks")
      #expect(tasks.contains(#""method":"Download""#) && tasks.contains(#""state":"succeeded""#), "\(tasks)")
    }
  }

  @Test("what is not a session's POST is refused with its status, and the next request is served")
  func refusals() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "sloppy")
      func status(_ body: String, cookie: String? = nil) async throws -> Int {
        Int(try await cpe.post(Array(body.utf8), cookie: cookie).status.rawValue)
      }
      #expect(try await status("") == 400)
      #expect(try await status("<not closed") == 400)
      #expect(try await status("<html/>") == 400)
      #expect(try await status("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>") == 400)
      #expect(try await status(String(repeating: "<a>", count: 400)) == 400)
      #expect(try await status(String(repeating: "x", count: 17 << 20)) == 413)
      // Neither UTF-8 nor what it says it is; each is told what is wrong with it.
      let broken = Array("<?xml version='1.0' encoding='UTF-8'?><a>".utf8) + [0xff, 0xfe, 0xc0] + Array("</a>".utf8)
      let misread = try await cpe.post(broken, cookie: nil)
      #expect(misread.status == .badRequest && !misread.body.isEmpty)
      let unknown = Array("<?xml version='1.0' encoding='EBCDIC-NOWHERE'?><a/>".utf8)
      let unread = try await cpe.post(unknown, cookie: nil)
      #expect([.badRequest, .unsupportedMediaType].contains(unread.status) && !unread.body.isEmpty)
      let compressed = try await cpe.post(
        [1, 2], cookie: nil, fields: [("Content-Encoding", "br"), ("Content-Type", "text/xml")])
      #expect(compressed.status == .unsupportedMediaType)
      cpe.password = "wrong"
      #expect(try await cpe.inform().status == .unauthorized)
      cpe.password = TestCluster.bootstrap.password
      #expect(try await cpe.inform([EventStruct(.bootstrap)]).status == .ok)
      let cookie = try #require(cpe.cookie)
      // Forged, and cut short: neither is a session.
      #expect(try await status("", cookie: cookie + "A") == 400)
      #expect(try await status("", cookie: String(cookie.dropLast(3)) + "AAA") == 400)
      #expect(try await cpe.work().count == 1)
    }
  }

  @Test("the credential of one device does not speak for another (item 112)")
  func impersonation() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "gateway"]) { cluster in
      let owner = TestCPE(cluster, serial: "owner")
      try await owner.inform([EventStruct(.bootstrap)])
      _ = try await owner.work()
      let thief = TestCPE(cluster, serial: "thief")
      thief.user = owner.user
      thief.password = owner.password
      #expect(try await thief.inform().status == .forbidden)
      // Nor does its cookie: a session is its device's.
      try await owner.inform()
      let cookie = owner.cookie
      let other = TestCPE(cluster, serial: "other")
      try await other.inform([EventStruct(.bootstrap)])
      _ = try await other.work()
      #expect(try await other.post([], cookie: cookie).status == .forbidden)
    }
  }

  @Test("with `credentials: keep` the ManagementServer's are left alone, and connection requests get theirs, once")
  func keptCredentials() async throws {
    let settings = "worker: {credentials: keep}"
    try await TestCluster.with(.postgresql, roles: ["worker", "gateway"], settings: settings) { cluster in
      let cpe = TestCPE(cluster, serial: "keeper")
      func given() async throws -> [String] {
        try await cpe.work().flatMap { request -> [String] in
          guard case .setParameterValues(let values, _) = request else { return ["\(request.method)"] }
          return values.map(\.name)
        }
      }
      let names = ["Username", "Password"].map { "Device.ManagementServer.ConnectionRequest\($0)" }
      try await cpe.inform([EventStruct(.bootstrap)])
      #expect(try await given() == names)
      try await cpe.inform()
      #expect(try await given() == [], "it still comes with the shared credential, and has what it needs")
      // A factory reset may have made it forget.
      try await cpe.inform([EventStruct(.bootstrap)])
      #expect(try await given() == names)
    }
  }

  @Test("a TLS session begun at one gateway is resumed at another")
  func resumption() async throws {
    let tls = try TestCertificate()
    defer { tls.remove() }
    let listener = ", certificate_file: \(tls.certificate), key_file: \(tls.key)"
    let roles = ["gateway", "gateway"]
    try await TestCluster.with(.postgresql, roles: roles, listener: listener) { cluster in
      func connect(_ gateway: Int, _ options: String) async throws -> String {
        let port = await cluster.server("gateway", gateway).cwmp
        // A request, for tickets come after the handshake.
        return try run(
          """
          printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | timeout 10 \
          openssl s_client -connect 127.0.0.1:\(port) -ign_eof \(options) 2>/dev/null | grep -E '^(New|Reused)'
          """)
      }
      let ticket = "\(cluster.folder)/ticket"
      let first = try await connect(0, "-sess_out '\(ticket)'")
      let second = try await connect(1, "-sess_in '\(ticket)'")
      #expect(first.hasPrefix("New") && second.hasPrefix("Reused"), "\(first); \(second)")
    }
  }

  @Test("a device that has its own credential and comes with bootstrap again is held (section 5)")
  func held() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "reset")
      try await cpe.inform([EventStruct(.bootstrap)])
      _ = try await cpe.work()
      try await cpe.inform()
      _ = try await cpe.work()
      let again = TestCPE(cluster, serial: "reset")
      try await cluster.eventually("the bootstrap credential is refused") {
        try await again.inform([EventStruct(.bootstrap)]).status == .unauthorized
      }
    }
  }

  @Test("a device that takes its credentials late is not locked out by being asked once more (section 5)")
  func takesLate() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "late")
      try await cpe.inform([EventStruct(.bootstrap)])
      #expect(try await cpe.work().count == 1)
      // It has said that it took them, and comes with the shared credential once more: it is given the same again, and
      // goes away before it has answered.
      let before = TestCPE(cluster, serial: "late")
      #expect(try await before.inform().status == .ok)
      let again = try await before.empty()
      guard case .setParameterValues(let values, _) = again.request else {
        throw NeverHappened(what: "its credentials once more, but \(again.status)")
      }
      #expect(values.contains { $0.name == "Device.ManagementServer.Password" && $0.value == cpe.password })
      // Then it comes with what it took first: that is its own now, and nothing is left to be given.
      #expect(try await cpe.inform().status == .ok)
      #expect(try await cpe.work().isEmpty)
      let (_, tasks) = try await cluster.api("/devices/\(cpe.identity)/tasks?state=succeeded")
      #expect(tasks.components(of: "\"method\":\"GiveCredentials\"") == 2, "\(tasks)")
    }
  }
}
