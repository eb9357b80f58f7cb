import CWMP
import Cryptography
import HTTP
import Networking
import PostgreSQL
import Testing

@Suite("Who may begin a session, over real processes", .serialized, .timeLimit(.minutes(10)))
struct AuthenticationTests {
  /// One POST on a connection of its own; the whole answer as text.
  private func post(
    _ cluster: TestCluster, _ body: [UInt8] = [], port: Int? = nil, tls: TLSClientContext? = nil, _ fields: String...
  ) async throws -> String {
    var options = ConnectOptions()
    options.tls = tls
    let port = if let port { port } else { await cluster.server("gateway").cwmp }
    let client = try await TestClient.connect(
      to: SocketAddress(ip: .loopback, port: UInt16(port)), on: cluster.loop, options: options)
    let head = ["POST / HTTP/1.1", "Host: a", "Connection: close", "Content-Length: \(body.count)"] + fields
    client.send(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    return await client.receiveToEnd()
  }

  private func basic(_ cpe: TestCPE) -> String {
    "Authorization: " + BasicAuthorization.headerValue(username: cpe.user, password: cpe.password)
  }

  private func cookie(_ answer: String) throws -> String {
    let value = answer.split(separator: "session=").dropFirst().first?.prefix(96)
    return "Cookie: session=\(try #require(value))"
  }

  @Test("a cookie read on plain HTTP opens nothing on TLS, and no cookie begins a session; one of TLS goes on there")
  func sniffedCookie() async throws {
    let tls = try TestCertificate()
    defer { tls.remove() }
    let port = try TestCluster.freePorts(1)[0]
    let second = "}, {address: 127.0.0.1, port: \(port), certificate_file: \(tls.certificate), key_file: \(tls.key)"
    let client = try TLSClientContext(verifies: false)
    try await TestCluster.with(.postgresql, roles: ["worker", "gateway"], listener: second) { cluster in
      let cpe = TestCPE(cluster, serial: "overheard")
      try await cpe.inform([EventStruct(.bootstrap)])
      _ = try await cpe.work()
      let informed = try await post(cluster, cpe.informBody(), basic(cpe))
      #expect(informed.hasPrefix("HTTP/1.1 200") && !informed.contains("Secure"))
      let plain = try cookie(informed)
      for body in [cpe.informBody(), []] {
        let answer = try await post(cluster, body, port: port, tls: client, plain)
        #expect(answer.hasPrefix("HTTP/1.1 401") && answer.contains("WWW-Authenticate: Digest"), "\(answer)")
      }
      let secured = try await post(cluster, cpe.informBody(), port: port, tls: client, basic(cpe))
      #expect(secured.hasPrefix("HTTP/1.1 200") && secured.contains("; Path=/; Secure"))
      let secure = try cookie(secured)
      #expect(try await post(cluster, port: port, tls: client, secure).hasPrefix("HTTP/1.1 204"))
      let alone = try await post(cluster, cpe.informBody(), port: port, tls: client, secure)
      #expect(alone.hasPrefix("HTTP/1.1 401") && alone.contains("WWW-Authenticate: Digest"))
    }
  }

  @Test("a connection that is one CPE carries its proof from session to session; others ask for it anew")
  func provedConnection() async throws {
    for (identity, expected) in [("direct", "HTTP/1.1 200"), ("none", "HTTP/1.1 401")] {
      let listener = ", connection_identity: \(identity)"
      try await TestCluster.with(.postgresql, roles: ["worker", "gateway"], listener: listener) { cluster in
        let cpe = TestCPE(cluster, serial: "once")
        let address = SocketAddress(ip: .loopback, port: UInt16(await cluster.server("gateway").cwmp))
        let client = try await TestClient.connect(to: address, on: cluster.loop)
        client.send(cpe.bytes(of: cpe.informBody([EventStruct(.bootstrap)])))
        let first = await client.receive(until: "InformResponse>")
        #expect(first.hasPrefix("HTTP/1.1 200"))
        let body = cpe.informBody([EventStruct(.bootstrap)], retry: 1)
        let again = "POST / HTTP/1.1\r\nHost: a\r\n\(try cookie(first))\r\nConnection: close\r\n"
        client.send(Array((again + "Content-Length: \(body.count)\r\n\r\n").utf8) + body)
        let second = await client.receiveToEnd().dropFirst(first.count)
        #expect(second.contains(expected), "\(identity): \(second)")
      }
    }
  }

  @Test("a CPE that keeps a session's cookie and comes with another credential is asked as without it (item 16)")
  func keptCookie() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "keeper")
      try await cpe.inform([EventStruct(.bootstrap)])
      _ = try await cpe.work()
      try await cpe.inform()
      _ = try await cpe.work()
      let kept = try #require(cpe.cookie)
      let reset = TestCPE(cluster, serial: "keeper")
      func inform() async throws -> String {
        try await post(cluster, reset.informBody([EventStruct(.bootstrap)]), basic(reset), "Cookie: \(kept)")
      }
      // Held, and told what could be shown instead (RFC 9110, section 15.5.2); not another device's.
      let held = try await inform()
      #expect(held.hasPrefix("HTTP/1.1 401") && held.contains("WWW-Authenticate: Digest"), "\(held)")
      let path = "/devices/\(cpe.identity)/release"
      #expect(try await cluster.api(path, method: "POST", body: "{}").0.rawValue / 100 == 2)
      #expect(try await inform().hasPrefix("HTTP/1.1 200"))
      // In the session that the cookie is of it is another's all the same.
      #expect(try await post(cluster, [], basic(reset), "Cookie: \(kept)").hasPrefix("HTTP/1.1 403"))
    }
  }

  @Test("a body in a coding that is not read is refused in its session, and the attempt fails with the reason")
  func encoding() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "squeezer")
      try await cpe.inform([EventStruct(.bootstrap)])
      _ = try await cpe.work()
      let tasks = "/devices/\(cpe.identity)/tasks"
      _ = try await cluster.api(tasks, method: "POST", body: #"{"method":"GetRPCMethods"}"#)
      try await cpe.inform()
      #expect(try await cpe.empty().request != nil)
      let cookie = "Cookie: \(try #require(cpe.cookie))"
      let answer = try await post(cluster, [1, 2, 3], basic(cpe), cookie, "Content-Encoding: gzip")
      #expect(answer.hasPrefix("HTTP/1.1 415") && answer.contains("Accept-Encoding: identity"))
      try await cluster.eventually("the task has failed") {
        let told = try await cluster.api(tasks).1
        return told.contains(#""state":"failed""#) && told.contains("content encoding")
      }
    }
  }

  @Test("a device whose stored password does not open is not taken for one that has none: 503, said and counted")
  func unreadable() async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(.postgresql, database: database, roles: ["worker", "gateway", "gateway"]) { cluster in
        let cpe = TestCPE(cluster, serial: "sealed")
        try await cpe.inform([EventStruct(.bootstrap)])
        _ = try await cpe.work()
        try await cpe.inform()
        try await cluster.eventually("its password is its own") {
          try await database.number("SELECT count(*) FROM credential WHERE secret IS NOT NULL") == 1
        }
        try await database.execute("UPDATE credential SET secret = '\\x0100000000' || substr(secret, 6)")
        let stranger = TestCPE(cluster, serial: "sealed")
        #expect(try await stranger.inform([EventStruct(.bootstrap)]).status == .serviceUnavailable)
        #expect(try await cpe.inform(to: 1).status == .serviceUnavailable)
        let metric = "carillon_credentials_unreadable_total"
        #expect(try await cluster.metric(metric, of: await cluster.server("gateway", 1)) == 1)
        #expect(await cluster.logged("gateway", "a stored credential does not open") == 2)
      }
    }
  }

  @Test("a Digest answer is taken once on plain HTTP, whatever body comes with it")
  func replay() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "replayed")
      let asked = try await post(cluster, cpe.informBody([EventStruct(.bootstrap)]))
      let line = try #require(asked.split(separator: "\r\n").first { $0.hasPrefix("WWW-Authenticate: Digest") })
      let parsed = DigestChallenge.parse(Array(line.dropFirst("WWW-Authenticate: ".count).utf8).span)
      let answer = try #require(parsed).answer(
        username: cpe.user, password: cpe.password, method: "POST", uri: "/", clientNonce: "c")
      let header = "Authorization: \(answer)"
      #expect(try await post(cluster, cpe.informBody([EventStruct(.bootstrap)]), header).hasPrefix("HTTP/1.1 200"))
      let thief = TestCPE(cluster, serial: "thief")
      let again = try await post(cluster, thief.informBody([EventStruct(.bootstrap)]), header)
      #expect(again.hasPrefix("HTTP/1.1 401") && again.contains("stale=true"))
    }
  }

  @Test("after ten wrong passwords in a minute their sender gets 503, others behind its address are served (item 110)")
  func failures() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "gateway"]) { cluster in
      let cpe = TestCPE(cluster, serial: "guesser")
      try await cpe.inform([EventStruct(.bootstrap)])
      _ = try await cpe.work()
      let guesser = TestCPE(cluster, serial: "guesser")
      (guesser.user, guesser.password) = (cpe.user, "guess")
      // Two minutes may meet in here.
      let answers = try await (0..<25).asyncMap { _ in try await guesser.inform().status }
      #expect(answers.prefix(10).allSatisfy { $0 == .unauthorized } && answers.last == .serviceUnavailable)
      let other = TestCPE(cluster, serial: "neighbour")
      #expect(try await other.inform([EventStruct(.bootstrap)]).status == .ok)
    }
  }

  @Test(
    "while PostgreSQL is away a session that its cookie is enough for goes on at a gateway that knows no credentials",
    .enabled(if: TestKafka.isAvailable, "no Kafka"))
  func goesOnByCookie() async throws {
    let server = TestPostgreSQL.Private("by-cookie")
    defer { server.remove() }
    let database = TestDatabase(connection: try server.start())
    let tls = try TestCertificate()
    defer { tls.remove() }
    let listener = ", certificate_file: \(tls.certificate), key_file: \(tls.key)"
    let client = try TLSClientContext(verifies: false)
    let roles = ["worker", "gateway", "gateway"]
    try await TestCluster.with(.kafka, database: database, roles: roles, listener: listener) { cluster in
      let cpe = TestCPE(cluster, serial: "traveller")
      let ports = [await cluster.server("gateway").cwmp, await cluster.server("gateway", 1).cwmp]
      let body = cpe.informBody([EventStruct(.bootstrap)])
      // The bootstrap credential needs no look-up; a device's own does.
      let informed = try await post(cluster, body, port: ports[0], tls: client, basic(cpe))
      #expect(informed.hasPrefix("HTTP/1.1 200"))
      try server.kill()
      let own = "Authorization: " + BasicAuthorization.headerValue(username: cpe.identity, password: "any")
      let answer = try await post(cluster, port: ports[1], tls: client, own, try cookie(informed))
      #expect(answer.hasPrefix("HTTP/1.1 204"), "\(answer)")
      #expect(
        try await post(cluster, body, port: ports[1], tls: client, own, try cookie(informed)).hasPrefix("HTTP/1.1 503"))
    }
  }

  @Test(
    "while PostgreSQL does not answer, everybody who must be looked up is refused in time, however many they are (P8)")
  func slowLookUps() async throws {
    let server = TestPostgreSQL.Private("slow-look-ups")
    defer { server.remove() }
    let database = TestDatabase(connection: try server.start())
    try await TestCluster.with(.postgresql, database: database, roles: ["worker", "gateway"]) { cluster in
      let body = TestCPE(cluster, serial: "any").informBody()
      try server.signal("STOP")
      let began = ContinuousClock.now
      let answers = try await withThrowingTaskGroup { group in
        for number in 0..<600 {
          let header = "Authorization: " + BasicAuthorization.headerValue(username: "u\(number)", password: "p")
          group.addTask { try await post(cluster, body, header).prefix(12) }
        }
        return try await group.reduce(into: [:]) { $0[String($1), default: 0] += 1 }
      }
      let took = ContinuousClock.now - began
      try server.signal("CONT")
      #expect(answers == ["HTTP/1.1 503": 600] && took < .seconds(6), "\(answers) in \(took)")
    }
  }
}

extension Sequence {
  fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
    var values: [Value] = []
    for element in self { values.append(try await body(element)) }
    return values
  }
}
