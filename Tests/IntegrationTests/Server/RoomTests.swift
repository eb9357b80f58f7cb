import CWMP
import Cryptography
import Glibc
import HTTP
import Networking
import Testing

@Suite("What CPEs may take of a gateway, over real processes", .serialized, .timeLimit(.minutes(10)))
struct RoomTests {
  private func connect(_ cluster: TestCluster) async throws -> TestClient {
    let address = SocketAddress(ip: .loopback, port: UInt16(await cluster.server("gateway").cwmp))
    return try await TestClient.connect(to: address, on: cluster.loop)
  }

  /// A POST's head, with Basic; the body's length is one of the fields.
  private func head(_ cpe: TestCPE, _ fields: String...) -> String {
    let proof = "Authorization: " + BasicAuthorization.headerValue(username: cpe.user, password: cpe.password)
    let lines = ["POST / HTTP/1.1", "Host: a", "Content-Type: text/xml", proof] + fields
    return lines.joined(separator: "\r\n") + "\r\n\r\n"
  }

  /// A device with credentials of its own, its session begun.
  private func informed(_ cluster: TestCluster, _ serial: String) async throws -> (TestCPE, cookie: String) {
    let cpe = TestCPE(cluster, serial: serial)
    try await cpe.inform([EventStruct(.bootstrap)])
    _ = try await cpe.work()
    for _ in 0..<2 { try await cpe.inform() }
    return (cpe, "Cookie: \(try #require(cpe.cookie))")
  }

  @Test("bodies count while they come, whatever says how long they are, and no longer when their senders have gone")
  func arriving() async throws {
    try await TestPostgreSQL.withDatabase { database in
      let limits = "limits: {body_budget: 16MiB}"
      try await TestCluster.with(.postgresql, database: database, roles: ["worker", "gateway"], gateway: limits) {
        cluster in
        let cpe = TestCPE(cluster, serial: "chunker")
        let piece = String(repeating: " ", count: 240 << 10)
        var clients: [TestClient] = []
        for _ in 0..<80 {
          let client = try await connect(cluster)
          client.send(head(cpe, "Transfer-Encoding: chunked") + "3c000\r\n\(piece)\r\n")
          clients.append(client)
        }
        let opened = clients
        try await cluster.eventually("those that there is no room for are refused") {
          var refused = 0
          for client in opened where await client.received().hasPrefix("HTTP/1.1 503") { refused += 1 }
          return (10...15).contains(refused)
        }
        #expect(try await cpe.inform([EventStruct(.periodic)]).status == .serviceUnavailable)
        for client in clients { client.close() }
        try await cluster.eventually("there is room again") {
          try await cpe.inform([EventStruct(.bootstrap)]).status == .ok
        }
      }
    }
  }

  @Test(
    "a full gateway refuses an Inform before its body and says when to come again; who is in a session is served (P8)")
  func full() async throws {
    let limits = "limits: {body_budget: 16MiB}"
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(.postgresql, database: database, roles: ["worker", "gateway"], gateway: limits) {
        cluster in
        let (other, _) = try await informed(cluster, "newcomer")
        let (cpe, cookie) = try await informed(cluster, "admitted")
        let talker = TestCPE(cluster, serial: "talker")
        var clients: [TestClient] = []
        for _ in 0..<80 {
          let client = try await connect(cluster)
          client.send(
            head(talker, "Transfer-Encoding: chunked") + "3c000\r\n\(String(repeating: " ", count: 240 << 10))\r\n")
          clients.append(client)
        }
        try await cluster.eventually("an Inform is refused of which only the head has come") {
          let client = try await connect(cluster)
          client.send(head(other, "Content-Length: \(240 << 10)"))
          let answer = await client.receive(until: "\r\n\r\n")
          let wait = answer.split(separator: "\r\n").first { $0.hasPrefix("Retry-After: ") }?.dropFirst(13)
          return answer.hasPrefix("HTTP/1.1 503") && (1...3600).contains(wait.flatMap { Int($0) } ?? 0)
        }
        // Not its Inform, which is answered already: what it asks next is C0.
        let continuing = try await connect(cluster)
        continuing.send(head(cpe, cookie, "Connection: close", "Content-Length: 0"))
        #expect(await continuing.receiveToEnd().hasPrefix("HTTP/1.1 204"))
        for client in clients { client.close() }
      }
    }
  }

  @Test("a device has four POSTs under way at once: the fifth is refused, another device's is not")
  func parallel() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "gateway"]) { cluster in
      let (cpe, cookie) = try await informed(cluster, "busy")
      let (other, _) = try await informed(cluster, "neighbour")
      await cluster.signal(cluster.server("worker"), SIGSTOP)
      // Nobody says what is wanted of them: they wait.
      try await cpe.inform()
      let waiting = "Cookie: \(try #require(cpe.cookie))"
      for _ in 0..<4 { try await connect(cluster).send(head(cpe, waiting, "Content-Length: 0")) }
      try await cluster.eventually("the fifth is refused at once", within: .seconds(3)) {
        let fifth = try await connect(cluster)
        fifth.send(head(cpe, cookie, "Connection: close", "Content-Length: 0"))
        return await fifth.receiveToEnd().hasPrefix("HTTP/1.1 503")
      }
      #expect(try await other.inform().status == .ok)
      await cluster.signal(cluster.server("worker"), SIGCONT)
      try await cluster.eventually("they have had their answers") { try await cpe.inform().status == .ok }
    }
  }

  @Test("a device has one large body under way at once, and its next one when that has gone")
  func large() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "gateway"]) { cluster in
      let (cpe, cookie) = try await informed(cluster, "talker")
      let length = "Content-Length: \(1 << 20)"
      let half = String(repeating: " ", count: 512 << 10)
      try await cluster.eventually("of two one is refused, whichever comes first") {
        let both = [try await connect(cluster), try await connect(cluster)]
        defer { for client in both { client.close() } }
        for client in both { client.send(head(cpe, cookie, length) + half) }
        var refused = 0
        for _ in 0..<50 where refused == 0 {
          try await cluster.loop.sleep(for: .milliseconds(20))
          for client in both where await client.received().hasPrefix("HTTP/1.1 503") { refused += 1 }
        }
        return refused == 1
      }
      try await cluster.eventually("the next is read") {
        let next = try await connect(cluster)
        next.send(head(cpe, cookie, length) + half + half)
        return await next.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 400")
      }
    }
  }

  @Test("the limits of heads and of connections hold for all listeners of a gateway")
  func limits() async throws {
    let port = try TestCluster.freePorts(1)[0]
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(
        .postgresql, database: database, roles: ["gateway"], listener: "}, {address: 127.0.0.1, port: \(port)",
        gateway: "limits: {head: 2KiB, connections: 1}"
      ) { cluster in
        let cpe = TestCPE(cluster, serial: "any")
        let long = try await connect(cluster)
        long.send(head(cpe, "X-Long: " + String(repeating: "x", count: 2_100), "Content-Length: 0"))
        #expect(await long.receiveToEnd().hasPrefix("HTTP/1.1 431"))
        let first = try await connect(cluster)
        first.send(head(cpe, "Content-Length: 0"))
        _ = await first.receive(until: "HTTP/1.1 400")
        let other = SocketAddress(ip: .loopback, port: UInt16(port))
        let second = try await TestClient.connect(to: other, on: cluster.loop)
        second.send(head(cpe, "Content-Length: 0"))
        try await cluster.loop.sleep(for: .milliseconds(200))
        #expect(await second.received() == "")
        first.close()
        _ = await second.receive(until: "HTTP/1.1 400")
      }
    }
  }

  @Test("a body is read in the charset that its Content-Type names (item 22)")
  func charset() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let (cpe, _) = try await informed(cluster, "latin")
      let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.Description"]}}"#
      let made = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: body).1
      let id = try #require(made.split(separator: "\"").dropFirst(3).first)
      try await cpe.inform()
      let asked = try await cpe.empty()
      let response = CPEResponse.getParameterValues([ParameterValue("Device.DeviceInfo.Description", "caf@")])
      let sent = cpe.body(of: response, asked.id).map { $0 == UInt8(ascii: "@") ? 0xE9 : $0 }
      // Without a declaration of its own, which would say otherwise.
      let start = try #require(sent.firstRange(of: Array("?>".utf8))).upperBound
      let type = (name: "Content-Type", value: "text/xml; charset=ISO-8859-1")
      _ = try await cpe.post(Array(sent[start...]), cookie: cpe.cookie, fields: [type])
      try await cluster.eventually("its value is told") { try await cluster.api("/tasks/\(id)").1.contains("café") }
    }
  }
}
