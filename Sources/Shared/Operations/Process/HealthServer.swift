import HTTP
public import Networking

/// `/healthz`, `/readyz` and `/metrics` of a process, on a loop and a port of their own, so that a busy role still
/// answers its supervisor.
public actor HealthServer {
  /// The server's loop is its executor.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let loop: EventLoop
  private let metrics: MetricsRegistry
  private let readiness: ReadinessBoard
  private let pulse: LoopPulse
  private var server: HTTPServer?
  private var timer: LoopTimer?

  /// A server that does not listen yet.
  public init(on loop: EventLoop, metrics: MetricsRegistry, readiness: ReadinessBoard, pulse: LoopPulse = LoopPulse()) {
    self.loop = loop
    self.metrics = metrics
    self.readiness = readiness
    self.pulse = pulse
  }

  /// Listens, and begins to watch the loops' pulse.
  ///
  /// - Returns: the address in use.
  /// - Throws: `NetworkingError`, such as an address in use.
  @discardableResult
  public func listen(on address: SocketAddress) throws -> SocketAddress {
    let server = HTTPServer(loop: loop, service: RouterService(router, on: loop))
    // A second process on the port must be told, not share its scrapes.
    var options = ListenerOptions()
    options.reusesPort = false
    options.maximumConnections = 100
    let listener = try server.listen(on: address, options: options)
    self.server = server
    beat()
    return listener.address
  }

  /// Closes all.
  public func close() {
    timer?.cancel()
    timer = nil
    server?.close()
    server = nil
  }

  /// The server as the first part of a process: the last to stop, so that its end can be watched.
  public nonisolated func part(_ address: SocketAddress) -> LifecyclePart {
    LifecyclePart(
      "health and metrics", start: { [self] in try await listen(on: address) }, stop: { [self] in await close() })
  }

  private func beat() {
    pulse.ask()
    timer = loop.schedule(after: .seconds(1)) { [weak self] in
      self?.assumeIsolated { $0.beat() }
    }
  }

  private nonisolated var router: Router {
    var router = Router()
    router.on(.get, "/healthz") { [pulse] _ in
      let stuck = pulse.stuck()
      if stuck.isEmpty { return .text("ok\n") }
      return .text("stuck: \(stuck.joined(separator: ", "))\n", status: .serviceUnavailable)
    }
    router.on(.get, "/readyz") { [readiness] _ in
      // 404 is how HAProxy is told to send nothing new here and leave open what is (http-check disable-on-404).
      let status: HTTPStatus =
        readiness.isReady ? .ok : readiness.isStopping ? .notFound : .serviceUnavailable
      return APIResponse(status, FieldBlock("Content-Type", "application/json"), body: readiness.json())
    }
    router.on(.get, "/metrics") { [metrics] _ in
      APIResponse(.ok, FieldBlock("Content-Type", MetricsRegistry.contentType), body: metrics.render())
    }
    return router
  }
}
