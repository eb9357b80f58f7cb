import HTTP
import Networking
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientTests {
  /// A server with a router and a client, each on a loop of its own.
  private func withServer(
    _ router: Router, _ body: (HTTPClient, String) async throws -> Void
  ) async throws {
    let serverLoop = try EventLoop(name: "server")
    let clientLoop = try EventLoop(name: "client")
    let port = try await serverLoop.run {
      let server = HTTPServer(loop: serverLoop, service: RouterService(router, on: serverLoop))
      return try server.listen(on: SocketAddress(ip: .loopback, port: 0)).address.port
    }
    let client = try HTTPClient(loop: clientLoop, maximumConcurrent: 4, queueLimit: 8)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(client, "http://127.0.0.1:\(port)"))
    } catch {
      result = .failure(error)
    }
    await client.shutdown()
    await clientLoop.shutdown()
    await serverLoop.shutdown()
    try result.get()
  }

  private func failure(of request: HTTPClientRequest, by client: HTTPClient) async -> HTTPClientError.Code? {
    do {
      _ = try await client.execute(request)
      return nil
    } catch {
      return (error as? HTTPClientError)?.code
    }
  }

  private var router: Router {
    var router = Router()
    router.on(.get, "/hello/{name}") { .text("hello \($0.parameters["name"] ?? "")\n") }
    router.on(.post, "/echo") { APIResponse(.created, FieldBlock("X-Kind", $0.head["x-kind"] ?? ""), body: $0.body) }
    router.on(.get, "/never") { _ in
      try await Task.sleep(for: .seconds(3600))
      return .text("")
    }
    return router
  }

  @Test func `a GET brings status, fields and body`() async throws {
    try await withServer(router) { client, base in
      let response = try await client.execute(HTTPClientRequest(url: base + "/hello/w%C3%B6rld"))
      #expect(response.status == .ok)
      #expect(response["content-type"] == "text/plain; charset=utf-8")
      #expect(String(decoding: response.body, as: UTF8.self) == "hello wörld\n")
    }
  }

  @Test func `a POST carries its body and fields`() async throws {
    try await withServer(router) { client, base in
      var request = HTTPClientRequest(url: base + "/echo")
      request.method = "POST"
      request.body = Array("abc".utf8)
      request.fields = [("X-Kind", "test")]
      let response = try await client.execute(request)
      #expect(response.status == .created)
      #expect(response["x-kind"] == "test")
      #expect(response.body == request.body)
    }
  }

  @Test func `an address that is not allowed is never connected to`() async throws {
    try await withServer(router) { client, base in
      var request = HTTPClientRequest(url: base + "/hello/x")
      request.allowsAddress = { !$0.ip.isLoopback }
      #expect(await failure(of: request, by: client) == .addressRefused)
    }
  }

  @Test func `a response above its limit, a passed deadline and another scheme are errors`() async throws {
    try await withServer(router) { client, base in
      var large = HTTPClientRequest(url: base + "/echo")
      large.method = "POST"
      large.body = [UInt8](repeating: 1, count: 100)
      large.responseLimit = 99
      #expect(await failure(of: large, by: client) == .responseTooLarge)
      var slow = HTTPClientRequest(url: base + "/never")
      slow.deadline = .milliseconds(20)
      #expect(await failure(of: slow, by: client) == .deadlineExceeded)
      let file = HTTPClientRequest(url: "file:///etc/passwd")
      #expect(await failure(of: file, by: client) == .failed)
    }
  }

  @Test func `a cancelled request ends with CancellationError`() async throws {
    try await withServer(router) { client, base in
      let task = Task { try await client.execute(HTTPClientRequest(url: base + "/never")) }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test func `beyond concurrency and queue a request is refused at once`() async throws {
    try await withServer(router) { client, base in
      try await withThrowingTaskGroup(of: HTTPClientError.Code?.self) { group in
        for _ in 0..<13 {
          group.addTask {
            do {
              var request = HTTPClientRequest(url: base + "/never")
              request.deadline = .milliseconds(100)
              _ = try await client.execute(request)
              return nil
            } catch let error as HTTPClientError {
              return error.code
            }
          }
        }
        var codes: [HTTPClientError.Code?] = []
        for try await code in group { codes.append(code) }
        #expect(codes.filter { $0 == .queueFull }.count == 1)
        #expect(codes.filter { $0 == .deadlineExceeded }.count == 12)
      }
    }
  }

  @Test func `basic credentials are sent at once, digest ones after the challenge`() async throws {
    var router = Router()
    router.on(.get, "/auth") { request in
      guard let authorization = request.head["authorization"] else {
        return APIResponse(
          .unauthorized, FieldBlock("WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5"))
      }
      return .text(authorization)
    }
    try await withServer(router) { client, base in
      var request = HTTPClientRequest(url: base + "/auth")
      request.credentials = .init(user: "u", password: "p", usesDigest: false)
      let basic = try await client.execute(request)
      #expect(String(decoding: basic.body, as: UTF8.self) == "Basic dTpw")
      request.credentials = .init(user: "u", password: "p", usesDigest: true)
      let digest = try await client.execute(request)
      let text = String(decoding: digest.body, as: UTF8.self)
      #expect(text.hasPrefix("Digest username=\"u\""))
      #expect(text.contains("uri=\"/auth\""))
    }
  }
}
