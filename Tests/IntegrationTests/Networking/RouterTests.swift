import Glibc
import HTTP
import Networking
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RouterTests {
  private struct Teapot: Error {}

  private func withRouter(_ router: Router, _ body: (TestClient) async throws -> Void) async throws {
    let serverLoop = try EventLoop(name: "server")
    let clientLoop = try EventLoop(name: "client")
    let address = try await serverLoop.run {
      let server = HTTPServer(loop: serverLoop, service: RouterService(router, on: serverLoop))
      return try server.listen(on: SocketAddress(ip: .loopback, port: 0)).address
    }
    try await body(TestClient.connect(to: address, on: clientLoop))
    await clientLoop.shutdown()
    await serverLoop.shutdown()
  }

  private func get(_ target: String, _ method: String = "GET") -> String {
    "\(method) \(target) HTTP/1.1\r\nHost: x\r\n\r\n"
  }

  @Test func `literals go before parameters, parameters before the rest; names are decoded`() async throws {
    var router = Router()
    router.on(.get, "/devices") { _ in .text("<list>") }
    router.on(.get, "/devices/mine") { _ in .text("<mine>") }
    router.on(.get, "/devices/{id}") { .text("<id \($0.parameters["id"] ?? "")>") }
    router.on(.get, "/devices/{id}/tasks/{task}") {
      .text("<\($0.parameters["id"] ?? "") \($0.parameters["task"] ?? "") \($0.route)>")
    }
    router.on(.get, "/files/{path...}") { .text("<rest \($0.parameters["path"] ?? "")>") }
    router.on(.get, "/q") { request in
      .text("<\(request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ";"))>")
    }
    let routed = router
    for (target, expected) in [
      ("/devices", "<list>"), ("/devices/", "<list>"), ("/devices/mine", "<mine>"),
      ("/devices/a%2Fb%20c", "<id a/b c>"),
      ("/devices/mine/tasks/7", "<mine 7 /devices/{id}/tasks/{task}>"), ("/files/a/b", "<rest a/b>"),
      ("/q?a=1&b=%3C+x", "<a=1;b=< x>"),
    ] {
      try await withRouter(routed) { client in
        client.send(get(target))
        #expect(await client.receive(until: ">").hasSuffix(expected), "\(target)")
      }
    }
  }

  @Test func `404, 405 with Allow, 400 and 413 need no handler`() async throws {
    var router = Router()
    router.on(.get, "/a/{id}") { _ in .text("<a>", type: "text/x-a") }
    router.on(.put, "/a/{id}", bodyLimit: 2) { _ in .text("<a>") }
    try await withRouter(router) { client in
      client.send(get("/b"))
      #expect(await client.receive(until: "Not Found\n").contains("404 Not Found"))
      client.send(get("/a/b", "DELETE"))
      #expect(await client.receive(until: "Not Allowed\n").contains("Allow: GET, PUT\r\n"))
      client.send(get("/a/%zz"))
      #expect(await client.receive(until: "Bad Request\n").contains("400 Bad Request"))
      client.send(get("/a/b", "HEAD"))
      #expect(await client.receive(until: "text/x-a\r\n\r\n").contains("Content-Length: 3\r\n"))
      client.send("PUT /a/b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
      #expect(await client.receiveToEnd().contains("413 Content Too Large"))
    }
  }

  @Test func `a body that is not admitted is not read, and one that is goes to the handler`() async throws {
    var router = Router()
    let admission: APIAdmission = { request in
      request.head["authorization"] == nil ? .text("<who?>", status: .unauthorized) : nil
    }
    router.on(.put, "/a", admission: admission) { .text("<\($0.body.count)>") }
    try await withRouter(router) { client in
      client.send("PUT /a HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nContent-Length: 3\r\n\r\nabc")
      #expect(await client.receive(until: "<3>").contains("200 OK"))
      // Nothing of the body is sent, and the answer comes all the same.
      client.send("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
      let refused = await client.receiveToEnd()
      #expect(refused.contains("401 Unauthorized") && refused.hasSuffix("<who?>"))
    }
  }

  @Test func `what a handler throws is answered without its details, or as the API says`() async throws {
    var router = Router()
    router.on(.get, "/") { _ in throw Teapot() }
    try await withRouter(router) { client in
      client.send(get("/"))
      #expect(await client.receive(until: "internal error\n").contains("500 Internal Server Error"))
    }
    router.onError = { error, _ in .text("<short>", status: error is Teapot ? HTTPStatus(418) : .ok) }
    let changed = router
    try await withRouter(changed) { client in
      client.send(get("/"))
      #expect(await client.receive(until: ">").contains("HTTP/1.1 418 "))
    }
  }

  @Test func `handlers are cancelled with their client, and end at the deadline`() async throws {
    let (cancelled, ending) = AsyncStream.makeStream(of: Bool.self)
    let (begun, beginning) = AsyncStream.makeStream(of: Bool.self)
    var router = Router()
    router.on(.get, "/wait") { _ in
      beginning.yield(true)
      do {
        try await Task.sleep(for: .seconds(3600))
      } catch {
        ending.yield(true)
      }
      return .text("")
    }
    try await withRouter(router) { client in
      client.send(get("/wait"))
      // A client that is gone before its request was read has no handler to cancel.
      for await _ in begun.prefix(1) {}
      client.close()
    }
    for await wasCancelled in cancelled.prefix(1) { #expect(wasCancelled) }
    router.deadline = .milliseconds(20)
    let limited = router
    try await withRouter(limited) { client in
      client.send(get("/wait"))
      #expect(await client.receive(until: "Timeout\n").contains("504 Gateway Timeout"))
    }
    for await wasCancelled in cancelled.prefix(1) { #expect(wasCancelled) }
  }

  /// Serves a file, whole or in part, as the gateway serves images.
  private final class Files: HTTPService, RequestReceiver {
    let path: String

    init(_ path: String) { self.path = path }

    func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision { .accept(self, bodyLimit: 0) }
    func body(_ bytes: Span<UInt8>, _ exchange: Exchange) {}
    func abandoned(_ why: Abandonment, _ exchange: Exchange) {}

    func end(_ exchange: Exchange) {
      guard let whole = try? FileSource(path: path) else { return exchange.respond(.notFound) }
      switch ByteRange(exchange.head["range"], size: whole.fileSize) {
      case .whole: exchange.respond(.ok, from: whole)
      case .unsatisfiable: exchange.respond(.rangeNotSatisfiable)
      case .part(let range):
        guard let part = try? FileSource(path: path, range: range) else { return exchange.respond(.notFound) }
        exchange.respond(.partialContent, from: part)
      }
    }
  }

  @Test func `a file of many pieces is sent as it is taken, a part of it too, and the connection lives on`()
    async throws
  {
    var template = Array("/tmp/carillon-test-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    let content = [UInt8]((0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 % 251) })
    #expect(write(descriptor, content, content.count) == content.count)
    close(descriptor)
    defer { unlink(path) }
    let (serverLoop, clientLoop) = (try EventLoop(name: "server"), try EventLoop(name: "client"))
    let address = try await serverLoop.run {
      let server = HTTPServer(loop: serverLoop, service: Files(path))
      return try server.listen(on: SocketAddress(ip: .loopback, port: 0)).address
    }
    let client = try await TestClient.connect(to: address, on: clientLoop)
    client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(await client.receive(until: "\r\n\r\n").contains("Content-Length: 5000000\r\n"))
    client.send(
      "GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=3-6\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    let bytes = await client.bytesToEnd()
    #expect(bytes.suffix(content.count).elementsEqual(content))
    let front = String(decoding: bytes.dropLast(content.count), as: UTF8.self)
    #expect(front.contains("206 Partial Content\r\nContent-Length: 4\r\n"))
    #expect(front.contains("\r\n\r\n\u{3}\u{4}\u{5}\u{6}HTTP/1.1 200 OK\r\n"))
    await clientLoop.shutdown()
    await serverLoop.shutdown()
  }
}
