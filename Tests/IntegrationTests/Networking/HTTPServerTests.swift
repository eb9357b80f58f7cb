import HTTP
import Networking
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPServerTests {
  private func post(_ path: String, _ body: String = "", _ fields: String = "") -> String {
    "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
  }

  @Test func `requests on one connection are answered in order, with a length each (items 8, 10)`() async throws {
    let fixture = try await HTTPFixture()
    let client = try await fixture.client()
    client.send(post("/a", "hello"))
    let first = await client.receive(until: "<5>")
    #expect(first.hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nDate: "))
    #expect(first.contains("X-Path: /a\r\n"))
    client.send("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
    #expect(await client.receive(until: "<7>").contains("X-Path: /b"))
    client.send("POST /c HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(await client.receive(until: "<0>").contains("X-Path: /c"))
    client.send(post("/empty"))
    #expect(await client.receive(until: "204 No Content").contains("204 No Content\r\nContent-Length: 0\r\n"))
    await fixture.end()
  }

  @Test func `pipelined requests wait their turn and are answered in order (item 18)`() async throws {
    let fixture = try await HTTPFixture()
    let client = try await fixture.client()
    client.send((0..<50).map { post("/\($0)", String(repeating: "x", count: $0)) }.joined())
    let text = await client.receive(until: "<49>")
    var rest = Substring(text)
    for number in 0..<50 {
      let range = try #require(rest.firstRange(of: "X-Path: /\(number)\r\n"))
      rest = rest[range.upperBound...]
    }
    client.send(post("/hold") + post("/after"))
    try await fixture.withHeld { exchange in
      #expect(exchange.connection.requestCount == 51)
      exchange.respond(.ok, FieldBlock(), Array("<held>".utf8))
    }
    let last = await client.receive(until: "/after")
    #expect(last.contains("<held>"))
    await fixture.end()
  }

  @Test func `an answer before the body's end leaves the connection usable if the body is small`() async throws {
    let fixture = try await HTTPFixture()
    let client = try await fixture.client()
    client.send(post("/refuse", "0123456789") + post("/next", "abc"))
    let text = await client.receive(until: "<3>")
    #expect(text.hasPrefix("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"))
    #expect(!text.contains("Connection: close"))
    let other = try await fixture.client()
    other.send("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\nabc")
    #expect(await other.receive(until: "\r\n\r\n").contains("Connection: close"))
    await fixture.end()
  }

  @Test func `a body larger than allowed is 413, by its length at once, by its chunks as they come`() async throws {
    let fixture = try await HTTPFixture()
    let client = try await fixture.client()
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n")
    #expect(await client.receiveToEnd().hasPrefix("HTTP/1.1 413 "))
    let chunked = try await fixture.client()
    let chunk = "8000\r\n" + String(repeating: "x", count: 0x8000) + "\r\n"
    chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in 0..<4 { chunked.send(chunk) }
    #expect(await chunked.receiveToEnd().hasPrefix("HTTP/1.1 413 "))
    let expected = Abandonment.refused(RequestError(.contentTooLarge, "body larger than allowed"))
    #expect(try await fixture.abandoned() == [expected, expected])
    await fixture.end()
  }

  @Test func `100 (Continue) is sent once the head is accepted, and not when it is refused (item 9)`() async throws {
    let fixture = try await HTTPFixture()
    let client = try await fixture.client()
    client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    #expect(await client.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
    client.send("abc")
    #expect(await client.receive(until: "<3>").contains("200 OK"))
    let refused = try await fixture.client()
    refused.send("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    let text = await refused.receiveToEnd()
    #expect(text.hasPrefix("HTTP/1.1 401 ") && text.contains("Connection: close\r\n"))
    await fixture.end()
  }

  @Test func `what is malformed is answered, counted, and ends its connection`() async throws {
    let fixture = try await HTTPFixture()
    for (text, status) in [
      ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501), ("GET / HTTP/3.0\r\n\r\n", 505),
    ] {
      let client = try await fixture.client()
      client.send(text + post("/smuggled"))
      let answer = await client.receiveToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
      #expect(answer.contains("Connection: close\r\n"))
      #expect(!answer.contains("/smuggled"))
    }
    #expect(try await fixture.refusals() == [.badRequest: 1, .notImplemented: 1, .versionNotSupported: 1])
    await fixture.end()
  }

  @Test func `HTTP 1.0 closes unless asked to keep, HEAD has a length and no body`() async throws {
    let fixture = try await HTTPFixture()
    let client = try await fixture.client()
    client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    #expect(await client.receive(until: "<0>").contains("Connection: keep-alive\r\n"))
    client.send("HEAD /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.0\r\n\r\n")
    let text = await client.receiveToEnd()
    #expect(text.contains("Content-Length: 3\r\n"))
    #expect(text.contains("X-Path: /b\r\n\r\nHTTP/1.1 200 OK\r\n"))
    #expect(text.hasSuffix("<0>"))
    await fixture.end()
  }

  @Test func `a head or body that is too slow is 408; a connection without a request just ends`() async throws {
    let fixture = try await HTTPFixture()
    let (head, body, used) = (try await fixture.client(), try await fixture.client(), try await fixture.client())
    // Short deadlines only now: what they are to cut off has then begun, however slow the machine.
    let server = fixture.server
    try await fixture.serverLoop.run {
      server.value.configuration.headDeadline = .milliseconds(40)
      server.value.configuration.bodyGrace = .milliseconds(40)
      server.value.configuration.idleDeadline = .milliseconds(40)
    }
    head.send("POST / HTTP/1.1\r\nHo")
    body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    used.send(post("/a"))
    let idle = try await fixture.client()
    #expect(await head.receiveToEnd().hasPrefix("HTTP/1.1 408 "))
    #expect(await body.receiveToEnd().hasPrefix("HTTP/1.1 408 "))
    #expect(await idle.receiveToEnd() == "")
    #expect(await used.receiveToEnd().hasSuffix("<0>"))
    #expect(try await fixture.abandoned() == [.refused(RequestError(.requestTimeout, "body too slow"))])
    await fixture.end()
  }

  @Test func `a waiting exchange learns that its client has gone, and answers into nothing`() async throws {
    for closes in [true, false] {
      let fixture = try await HTTPFixture()
      let client = try await fixture.client()
      client.send(post("/hold"))
      let echo = fixture.echo
      while try await fixture.serverLoop.run({ echo.value.held.isEmpty }) {
        try await fixture.serverLoop.sleep(for: .milliseconds(1))
      }
      if closes { client.close() } else { client.shutdownWriting() }
      #expect(try await fixture.abandoned() == [.gone])
      try await fixture.withHeld { exchange in
        #expect(!exchange.isOpen)
        exchange.respond(.ok)
        exchange.abort()
      }
      await fixture.end()
    }
  }

  @Test func `an exchange that is aborted closes without a byte`() async throws {
    let fixture = try await HTTPFixture()
    let client = try await fixture.client()
    client.send(post("/abort", "x"))
    #expect(await client.receiveToEnd() == "")
    await fixture.end()
  }

  @Test func `a suspended request goes on where it was, also without a body`() async throws {
    let fixture = try await HTTPFixture()
    for body in ["", "abc"] {
      let client = try await fixture.client()
      client.send(post("/suspend", body))
      try await fixture.withHeld { $0.resumeReading() }
      #expect(await client.receive(until: "<").hasSuffix("<\(body.count)>"))
    }
    let waiting = try await fixture.client()
    waiting.send("POST /suspend HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    try await fixture.withHeld { $0.resumeReading() }
    _ = await waiting.receive(until: "100 Continue\r\n\r\n")
    waiting.send("abc")
    #expect(await waiting.receive(until: "<3>").contains("200 OK"))
    await fixture.end()
  }

  @Test func `a large answer reaches a client in whole, and a reader of nothing is let go`() async throws {
    var configuration = HTTPConfiguration()
    configuration.writeDeadline = .milliseconds(50)
    let fixture = try await HTTPFixture(ListenerOptions(), configuration)
    let client = try await fixture.client()
    client.send("POST /large HTTP/1.0\r\n\r\n")
    let text = await client.receiveToEnd()
    #expect(text.utf8.count > 4 << 20)
    let stuck = try await fixture.client()
    await stuck.pause()
    stuck.send(post("/large") + post("/large"))
    let server = fixture.server
    while try await fixture.serverLoop.run({ server.value.connectionCount > 0 }) {
      try await fixture.serverLoop.sleep(for: .milliseconds(1))
    }
    await fixture.end()
  }

  @Test func `a connection that ends while its answer is sent piece by piece arms no timer any more`() async throws {
    var configuration = HTTPConfiguration()
    configuration.writeDeadline = .milliseconds(20)
    // The sixteenth piece ends a turn of the loop: the next one is posted.
    for piece in [1, 16] {
      let fixture = try await HTTPFixture(ListenerOptions(), configuration)
      let (server, echo) = (fixture.server, fixture.echo)
      try await fixture.serverLoop.run {
        echo.value.streams = { Zeros(atPiece: piece) { server.value.close() } }
      }
      let client = try await fixture.client()
      client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
      _ = await client.receiveToEnd()
      // A timer that was armed would fire by now.
      try await fixture.serverLoop.sleep(for: .milliseconds(60))
      #expect(try await fixture.serverLoop.run { server.value.connectionCount } == 0)
      await fixture.end()
    }
  }

  @Test func `what is wrong with the rest of a request that has its answer only ends the connection`() async throws {
    let fixture = try await HTTPFixture()
    let client = try await fixture.client()
    client.send("POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    #expect(await client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 401 "))
    client.send("no chunk\r\n")
    let text = await client.receiveToEnd()
    #expect(text.ranges(of: "HTTP/1.1 ").count == 1, "\(text)")
    await fixture.end()
  }

  @Test func `a body may take as long as it goes on, and is let go when it is silent (item 25)`() async throws {
    var configuration = HTTPConfiguration()
    configuration.bodyGrace = .seconds(60)
    configuration.bodySilence = .milliseconds(200)
    let fixture = try await HTTPFixture(ListenerOptions(), configuration)
    let client = try await fixture.client()
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
    for _ in 0..<10 {
      try await fixture.clientLoop.sleep(for: .milliseconds(40))
      client.send("x")
    }
    #expect(await client.receive(until: "<10>").hasPrefix("HTTP/1.1 200 "))
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
    #expect(await client.receiveToEnd().contains("HTTP/1.1 408 "))
    await fixture.end()
  }

  @Test func `a server that retires takes new connections still, and each ends with its next answer`() async throws {
    let fixture = try await HTTPFixture()
    let idle = try await fixture.client()
    idle.send(post("/a"))
    _ = await idle.receive(until: "<0>")
    let server = fixture.server
    try await fixture.serverLoop.run { server.value.retire() }
    let new = try await fixture.client()
    for client in [idle, new] {
      client.send(post("/b"))
      let text = await client.receiveToEnd()
      #expect(text.hasSuffix("<0>") && text.contains("Connection: close\r\n"))
    }
    await fixture.end()
  }

  @Test func `draining ends idle connections at once and waiting ones with their answer`() async throws {
    let fixture = try await HTTPFixture()
    let idle = try await fixture.client()
    idle.send(post("/a"))
    _ = await idle.receive(until: "<0>")
    let waiting = try await fixture.client()
    waiting.send(post("/hold"))
    let echo = fixture.echo
    while try await fixture.serverLoop.run({ echo.value.held.isEmpty }) {
      try await fixture.serverLoop.sleep(for: .milliseconds(1))
    }
    let server = fixture.server
    try await fixture.serverLoop.run { server.value.drain() }
    #expect(await idle.receiveToEnd().hasSuffix("<0>"))
    try await fixture.withHeld { $0.respond(.ok, FieldBlock(), Array("<late>".utf8)) }
    let text = await waiting.receiveToEnd()
    #expect(text.hasSuffix("<late>") && text.contains("Connection: close\r\n"))
    let late = try await fixture.client()
    #expect(await late.end() != nil)
    await fixture.end()
  }

  @Test func `listeners with one budget wait together, and go on when a connection of any ends`() async throws {
    let fixture = try await HTTPFixture()
    let (server, loop) = (fixture.server, fixture.serverLoop)
    let addresses = try await loop.run {
      let budget = ConnectionBudget(1)
      return try (0..<2).map { _ in
        try server.value.listen(on: SocketAddress(ip: .loopback, port: 0), budget: budget).address
      }
    }
    let first = try await TestClient.connect(to: addresses[0], on: fixture.clientLoop)
    first.send(post("/a"))
    _ = await first.receive(until: "<0>")
    let second = try await TestClient.connect(to: addresses[1], on: fixture.clientLoop)
    second.send(post("/b"))
    #expect(try await loop.run { server.value.connectionCount } == 1)
    first.close()
    #expect(await second.receive(until: "<0>").contains("X-Path: /b"))
    await fixture.end()
  }

  @Test func `at its limit of connections a listener waits, and goes on when one ends`() async throws {
    var options = ListenerOptions()
    options.maximumConnections = 1
    let fixture = try await HTTPFixture(options)
    let first = try await fixture.client()
    first.send(post("/a"))
    _ = await first.receive(until: "<0>")
    let second = try await fixture.client()
    second.send(post("/b"))
    let server = fixture.server
    #expect(try await fixture.serverLoop.run { server.value.connectionCount } == 1)
    first.close()
    #expect(await second.receive(until: "<0>").contains("X-Path: /b"))
    await fixture.end()
  }
}
