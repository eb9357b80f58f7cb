import HTTP
import Networking
import Synchronization
import Testing

/// Echoes the body's size, or does what the path says.
private final class Echo: HTTPService {
  let abandoned = Mutex<[Abandonment]>([])
  var held: [Exchange] = []

  func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision {
    if head.path == "/refuse" { return .refuse(.unauthorized, FieldBlock("WWW-Authenticate", "Basic"), []) }
    return .accept(Receiver(self, path: head.path), bodyLimit: 100_000)
  }

  final class Receiver: RequestReceiver {
    let service: Echo
    let path: String
    var body: [UInt8] = []

    init(_ service: Echo, path: String) {
      self.service = service
      self.path = path
    }

    func body(_ bytes: Span<UInt8>, _ exchange: Exchange) {
      for index in 0..<bytes.count { body.append(bytes[index]) }
    }

    func end(_ exchange: Exchange) {
      if path == "/hold" { return service.held.append(exchange) }
      if path == "/abort" { return exchange.abort() }
      exchange.respond(.ok, FieldBlock("X-Path", path), Array("<\(body.count)>".utf8))
    }

    func abandoned(_ why: Abandonment, _ exchange: Exchange) { service.abandoned.withLock { $0.append(why) } }
  }
}

/// A server on a loop and a second loop for clients.
private struct Fixture: Sendable {
  let serverLoop: EventLoop
  let clientLoop: EventLoop
  let address: SocketAddress
  let server: LoopBound<HTTPServer>
  let echo: LoopBound<Echo>

  init(
    _ options: ListenerOptions = ListenerOptions(), _ configuration: HTTPConfiguration = HTTPConfiguration()
  ) async throws {
    let serverLoop = try EventLoop(name: "server")
    self.serverLoop = serverLoop
    clientLoop = try EventLoop(name: "clients")
    (address, server, echo) = try await serverLoop.run {
      let echo = Echo()
      let server = HTTPServer(loop: serverLoop, configuration: configuration, service: echo)
      let listener = try server.listen(on: SocketAddress(ip: .loopback, port: 0), options: options)
      return (listener.address, LoopBound(server, on: serverLoop), LoopBound(echo, on: serverLoop))
    }
  }

  func client(_ options: ConnectOptions = ConnectOptions()) async throws -> TestClient {
    try await TestClient.connect(to: address, on: clientLoop, options: options)
  }

  func abandoned() async throws -> [Abandonment] {
    let echo = echo
    return try await serverLoop.run { echo.value.abandoned.withLock { $0 } }
  }

  func end() async {
    await clientLoop.shutdown()
    await serverLoop.shutdown()
  }
}

@Suite(.timeLimit(.minutes(1)))
struct HTTPServerTests {
  @Test func `requests on one connection are answered in order, with a length each (items 8, 10)`() async throws {
    let fixture = try await Fixture()
    let client = try await fixture.client()
    client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
    let first = await client.receive(until: "<5>")
    #expect(first.hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nDate: "))
    #expect(first.contains("X-Path: /a\r\n"))
    client.send("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
    #expect(await client.receive(until: "<7>").contains("X-Path: /b"))
    client.send("POST /c HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(await client.receive(until: "<0>").contains("X-Path: /c"))
    await fixture.end()
  }

  @Test func `pipelined requests wait their turn and are answered in order (item 18)`() async throws {
    let fixture = try await Fixture()
    let client = try await fixture.client()
    client.send(
      (0..<50).map {
        "POST /\($0) HTTP/1.1\r\nHost: x\r\nContent-Length: \($0)\r\n\r\n\(String(repeating: "x", count: $0))"
      }
      .joined())
    let text = await client.receive(until: "<49>")
    let positions = (0..<50).map { text.contains("X-Path: /\($0)\r\n") }
    #expect(positions.allSatisfy { $0 })
    await fixture.end()
  }
}
