import CWMP
import Glibc
import HTTP
import Networking
import Testing

@Suite("Sessions that break", .serialized, .timeLimit(.minutes(5)))
struct BrokenSessionTests {
  @Test("a connection dropped at any byte, of an Inform or of an answer: a new Inform at once is served at once")
  func droppedAnywhere() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "dropper")
      try await cpe.provision()
      let port = await cluster.server("gateway").cwmp
      let inform = cpe.bytes(of: cpe.informBody())
      for position in stride(from: 0, through: inform.count, by: max(1, inform.count / 40)) {
        try dropAfter(Array(inform[..<position]), port)
        let began = ContinuousClock.now
        #expect(try await cpe.inform(retry: 1).status == .ok, "after \(position) bytes")
        #expect(try await cpe.work().isEmpty)
        // Nothing waits for a deadline: those begin at 2 s.
        #expect(ContinuousClock.now - began < .milliseconds(1900), "after \(position) bytes")
      }
      // While our answer comes: nothing of it is read, or a part.
      for part in [0, 1, 40, 400] {
        try dropAfter(inform, port, reading: part)
        let began = ContinuousClock.now
        #expect(try await cpe.inform(retry: 1).status == .ok, "after \(part) bytes of the answer")
        #expect(try await cpe.work().isEmpty)
        #expect(ContinuousClock.now - began < .milliseconds(1900), "after \(part) bytes of the answer")
      }
      // In the middle of a session, with its RPC's answer under way: the task is done in the session after.
      for part in 0..<8 {
        let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#
        _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: body)
        try await cpe.inform()
        let asked = try await cpe.empty()
        let request = try #require(asked.request)
        let answer = cpe.bytes(of: cpe.body(of: TestCPE.response(to: request), asked.id), cookie: cpe.cookie)
        try dropAfter(Array(answer[..<(answer.count * part / 8)]), port)
        let began = ContinuousClock.now
        #expect(try await cpe.inform(retry: 1).status == .ok)
        #expect(try await cpe.work().map(\.method) == [.getParameterValues])
        #expect(ContinuousClock.now - began < .milliseconds(1900), "after \(part) eighths of the response")
      }
      let tasks = try await cluster.api("/devices/\(cpe.identity)/tasks?method=GetParameterValues&limit=100").1
      #expect(tasks.components(of: #""state":"succeeded""#) == 8)
    }
  }

  @Test(
    "a worker that dies in a session: the next Inform is served within seconds, and nothing of once is repeated",
    arguments: TestCluster.Log.available)
  func workerDies(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "orphan")
      try await cpe.provision()
      _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: #"{"method":"Reboot"}"#)
      try await cpe.inform()
      #expect(try await cpe.empty().request?.method == .reboot)
      try await cluster.replace(cluster.server("worker"))
      let died = ContinuousClock.now
      let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#
      let waiting = try await cluster.ask(cpe.identity, body)
      try await cluster.eventually("its next Inform is served, and the work that waits is done") {
        try await cpe.inform(retry: 1)
        #expect(try await !cpe.work().contains { $0.method == .reboot }, "the Reboot may have been done")
        return try await cluster.api("/tasks/\(waiting)").1.contains(#""state":"succeeded""#)
      }
      // A lease is 6 s, and a POST under way when it ends may be held for 5.
      #expect(ContinuousClock.now - died < .seconds(14))
      #expect(try await cluster.api("/devices/\(cpe.identity)/tasks?method=Reboot").1.contains("in_doubt"))
      try await cpe.inform([EventStruct(.boot)])
      _ = try await cpe.work()
      try await cluster.eventually("its boot settles the task") {
        try await cluster.api("/devices/\(cpe.identity)/tasks?method=Reboot").1.contains("succeeded")
      }
    }
  }

  @Test("a TransferComplete in a session that another has overtaken settles its task")
  func overtakenTransfer() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "overtaken")
      try await cpe.provision()
      let body = """
        {"method":"Download","arguments":{"file_type":"1 Firmware Upgrade Image","url":"http://files.example/image"}}
        """
      _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: body)
      try await cpe.inform()
      let asked = try await cpe.work()
      guard case .download(let download)? = asked.first else { throw NeverHappened(what: "a Download, but \(asked)") }
      try await cpe.inform([EventStruct(.transferComplete)])
      let old = cpe.cookie
      try await cpe.inform([EventStruct(.transferComplete)], retry: 1)
      let complete = TransferComplete(commandKey: download.commandKey)
      let answer = try await cpe.post(cpe.body(of: .transferComplete(complete)), cookie: old)
      #expect(answer.status == .ok)
      try await cluster.eventually("the task has succeeded") {
        try await cluster.api("/devices/\(cpe.identity)/tasks?method=Download").1.contains("succeeded")
      }
    }
  }

  @Test(
    "a TransferComplete in a session that has had its 204, or that was lost, settles its task",
    arguments: TestCluster.Log.available)
  func lateTransfer(_ log: TestCluster.Log) async throws {
    let roles = ["worker", "scheduler", "northbound", "gateway"]
    try await TestCluster.with(log, roles: roles, settings: "worker: {session_timeout: 5s}") { cluster in
      let cpe = TestCPE(cluster, serial: "late")
      try await cpe.provision()
      for isLost in [false, true] {
        let body = """
          {"method":"Download","arguments":{"file_type":"1 Firmware Upgrade Image","url":"http://files.example/image"}}
          """
        let task = try await cluster.ask(cpe.identity, body)
        try await cpe.inform()
        let asked = try await cpe.empty()
        guard case .download(let download)? = asked.request else { throw NeverHappened(what: "a Download: \(asked)") }
        #expect(try await cpe.answer(TestCPE.response(to: .download(download)), asked.id).status == .noContent)
        try await cpe.inform([EventStruct(.transferComplete)])
        if isLost {
          // It asks for work after its Inform, for it announced a request, and is not heard of any more.
          for isOver in [false, true] {
            try await cluster.eventually(isOver ? "its session is over" : "it has a session", within: .seconds(40)) {
              try await cluster.api("/devices/\(cpe.identity)").1.contains(#""session":null"#) == isOver
            }
          }
        } else {
          #expect(try await cpe.empty().status == .noContent)
        }
        let complete = TransferComplete(commandKey: download.commandKey)
        let answer = try await cpe.request(.transferComplete(complete))
        #expect(answer.status == .ok && String(decoding: answer.body, as: UTF8.self).contains("TransferCompleteRes"))
        try await cluster.eventually("the task has succeeded") {
          try await cluster.api("/tasks/\(task)").1.contains(#""state":"succeeded""#)
        }
      }
    }
  }

  /// Sends these bytes on a connection of their own and drops it, after so many bytes of the answer if that is asked.
  private func dropAfter(_ bytes: [UInt8], _ port: Int, reading count: Int = 0) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw CommandFailed(command: "connect to the gateway") }
    _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    var answer = [UInt8](repeating: 0, count: max(count, 1))
    if count > 0 { recv(descriptor, &answer, count, Int32(MSG_WAITALL)) }
  }
}
