import HTTP
public import Networking
public import Operations

/// The northbound role on one loop: the REST API under `/api/v1`, for operators and other systems (docs/api.md).
///
/// Start one a loop, all on the same port. Lives on its loop.
public actor NorthboundServer {
  /// The server's loop is its executor.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private nonisolated let loop: EventLoop
  private let router: Router
  private let watch: TaskWatch
  private let connections: Int
  private var server: HTTPServer?
  private var listener: Listener?

  /// A server that does not listen yet.
  ///
  /// - Parameters:
  ///   - loop: where it lives.
  ///   - lanes: to the fleet's database, on the same loop; the caller closes them after ``close()``.
  ///   - browser: reads the event log, for one or several servers; the caller closes it. Without it there is no `/log`.
  public init(
    on loop: EventLoop, lanes: NorthboundLanes, settings: NorthboundSettings = NorthboundSettings(),
    browser: LogBrowser? = nil, logger: Logger = .none, metrics: MetricsRegistry = MetricsRegistry()
  ) {
    self.loop = loop
    connections = settings.maximumConnections
    watch = TaskWatch(lanes.reading, limit: settings.maximumWaiting)
    let api = API(lanes: lanes, settings: settings, watch: watch, browser: browser)
    let gate = TokenGate(TokenStore(lanes.reading), on: loop)
    router = APIRouter(gate: gate, logger: logger.component("northbound"), metrics: metrics).router(api.endpoints)
  }

  /// Listens.
  ///
  /// - Returns: the address in use.
  /// - Throws: `NetworkingError`, such as an address in use.
  @discardableResult
  public func listen(on address: SocketAddress, tls: TLSServerContext? = nil) throws -> SocketAddress {
    let server = self.server ?? HTTPServer(loop: loop, service: RouterService(router, on: loop))
    self.server = server
    var options = ListenerOptions()
    options.tls = tls
    options.maximumConnections = connections
    let listener = try server.listen(on: address, options: options)
    self.listener = listener
    return listener.address
  }

  /// The certificate and key for connections from now on; nil: plain.
  public func use(_ tls: TLSServerContext?) { listener?.tls = tls }

  /// Takes no new connection and lets requests under way end; those that wait for a task are answered now.
  public func drain() async {
    server?.drain()
    await watch.close()
  }

  /// Whether no connection is left.
  public var isIdle: Bool { (server?.connectionCount ?? 0) == 0 }

  /// Closes everything.
  public func close() async {
    await watch.close()
    server?.close()
    server = nil
  }
}
