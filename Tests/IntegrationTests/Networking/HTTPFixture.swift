import HTTP
import Networking
import Synchronization

/// A service that does what the path says, and echoes the body's size otherwise.
final class Echo: HTTPService {
  let abandoned = Mutex<[Abandonment]>([])
  var held: [Exchange] = []
  var refusals: [HTTPStatus: Int] = [:]
  /// Makes what `/stream` answers with.
  var streams: () -> any BodySource = { Zeros(atPiece: .max) {} }

  func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision {
    switch head.path {
    case "/refuse":
      return .refuse(.unauthorized, FieldBlock("WWW-Authenticate", "Basic"), [])
    case "/suspend":
      exchange.suspendReading()
      held.append(exchange)
    case "/stream":
      exchange.respond(.ok, FieldBlock(), from: streams())
    default:
      break
    }
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
      switch path {
      case "/hold": service.held.append(exchange)
      case "/abort": exchange.abort()
      case "/empty": exchange.respond(.noContent)
      case "/large": exchange.respond(.ok, FieldBlock(), [UInt8](repeating: 0x78, count: 4 << 20))
      case "/peer": exchange.respond(.ok, FieldBlock(), Array("<\(exchange.peer)>".utf8))
      default: exchange.respond(.ok, FieldBlock("X-Path", path), Array("<\(body.count)>".utf8))
      }
    }

    func abandoned(_ why: Abandonment, _ exchange: Exchange) { service.abandoned.withLock { $0.append(why) } }
  }
}

/// A body of a gigabyte of zeros that does something while one of its pieces is asked for.
final class Zeros: BodySource {
  let length = 1 << 30
  private let piece: Int
  private let body: () -> Void
  private var asked = 0

  init(atPiece piece: Int, _ body: @escaping () -> Void) {
    self.piece = piece
    self.body = body
  }

  func next(_ most: Int) -> [UInt8] {
    asked += 1
    if asked == piece { body() }
    return [UInt8](repeating: 0, count: most)
  }
}

/// A server on one loop and a second loop for clients.
struct HTTPFixture: Sendable {
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
      server.onRefusal = { [unowned echo] in echo.refusals[$0, default: 0] += 1 }
      let listener = try server.listen(on: SocketAddress(ip: .loopback, port: 0), options: options)
      return (listener.address, LoopBound(server, on: serverLoop), LoopBound(echo, on: serverLoop))
    }
  }

  func client(_ options: ConnectOptions = ConnectOptions()) async throws -> TestClient {
    try await TestClient.connect(to: address, on: clientLoop, options: options)
  }

  /// What was abandoned so far, once that is at least one.
  func abandoned() async throws -> [Abandonment] {
    let echo = echo
    while true {
      let abandoned = try await serverLoop.run { echo.value.abandoned.withLock { $0 } }
      if !abandoned.isEmpty { return abandoned }
      try await serverLoop.sleep(for: .milliseconds(1))
    }
  }

  /// Does something with the exchanges that are held, once there is one.
  func withHeld(_ body: @escaping @Sendable (Exchange) -> Void) async throws {
    let echo = echo
    while true {
      let done = try await serverLoop.run {
        let held = echo.value.held
        echo.value.held = []
        for exchange in held { body(exchange) }
        return !held.isEmpty
      }
      if done { return }
      try await serverLoop.sleep(for: .milliseconds(1))
    }
  }

  func refusals() async throws -> [HTTPStatus: Int] {
    let echo = echo
    return try await serverLoop.run { echo.value.refusals }
  }

  func end() async {
    await clientLoop.shutdown()
    await serverLoop.shutdown()
  }
}
