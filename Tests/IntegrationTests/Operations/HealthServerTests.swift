import Glibc
import Networking
import Operations
import Testing

@Suite("Health, readiness and metrics over HTTP")
struct HealthServerTests {
  /// One GET over a connection of its own; the whole answer.
  private func get(_ path: String, from address: SocketAddress) -> String {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = address.port.bigEndian
    target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { return "" }
    let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    _ = request.withCString { write(descriptor, $0, strlen($0)) }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count <= 0 { break }
      answer += chunk[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }

  @Test("The three answers follow the process's state")
  func answers() async throws {
    let loop = try EventLoop(name: "health")
    let registry = MetricsRegistry()
    registry.counter("carillon_test_total", "Test.").increment()
    let board = ReadinessBoard()
    board.expect("database", reason: "connection \"refused\"")
    let pulse = LoopPulse()
    pulse.watch(loop)
    let server = HealthServer(on: loop, metrics: registry, readiness: board, pulse: pulse)
    let address = try await server.listen(on: try SocketAddress("127.0.0.1:0"))

    #expect(get("/healthz", from: address).hasPrefix("HTTP/1.1 200 "))
    let waiting = get("/readyz", from: address)
    #expect(waiting.hasPrefix("HTTP/1.1 503 "))
    #expect(waiting.contains("{\"ready\":false,\"missing\":{\"database\":\"connection \\\"refused\\\"\"}}"))
    board.ready("database")
    #expect(get("/readyz", from: address).hasPrefix("HTTP/1.1 200 "))
    let metrics = get("/metrics", from: address)
    #expect(metrics.contains("Content-Type: text/plain; version=0.0.4"))
    #expect(metrics.contains("\ncarillon_test_total 1\n"))
    #expect(get("/other", from: address).hasPrefix("HTTP/1.1 404 "))

    await server.close()
    await loop.shutdown()
  }
}
