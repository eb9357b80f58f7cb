public import Networking

/// The HTTP/1.1 server of one loop: listeners whose connections are handed to one service. Lives on the loop, which
/// keeps it from `listen` to ``drain()`` or ``close()``.
public final class HTTPServer {
  /// The loop.
  public let loop: EventLoop
  /// Bounds and deadlines; what is changed counts for new connections.
  public var configuration: HTTPConfiguration
  /// Told of each request that the server itself refuses: for its framing, size or slowness.
  public var onRefusal: (HTTPStatus) -> Void = { _ in }
  /// True once ``drain()`` was called.
  public private(set) var isDraining = false

  /// True once ``retire()`` or ``drain()`` was called.
  private(set) var isRetiring = false

  let service: any HTTPService
  var dateLine = DateLine()
  var scratch: [UInt8] = []
  private var listeners: [Listener] = []
  private var connections: [ObjectIdentifier: ServerConnection] = [:]
  private var nextIdentity: UInt64 = 0

  /// A server without a listener yet.
  public init(loop: EventLoop, configuration: HTTPConfiguration = HTTPConfiguration(), service: any HTTPService) {
    self.loop = loop
    self.configuration = configuration
    self.service = service
  }

  /// Opens a listener.
  ///
  /// - Parameter budget: the connections that it shares with other listeners of the loop.
  /// - Returns: the listener, with the address in use; pause it, or give it new TLS settings, at any time.
  /// - Throws: `NetworkingError` (`.system`), such as an address in use.
  @discardableResult
  public func listen(
    on address: SocketAddress, options: ListenerOptions = ListenerOptions(), budget: ConnectionBudget? = nil
  ) throws(NetworkingError) -> Listener {
    let listener = try Listener(on: address, loop: loop, options: options, budget: budget) { self.accept($0) }
    listeners.append(listener)
    return listener
  }

  /// Connections open now.
  public var connectionCount: Int { connections.count }

  /// Goes on accepting, but each connection ends with its next answer: who balances load is leaving us out.
  public func retire() { isRetiring = true }

  /// Takes what still waits in the kernel, stops listening, closes idle connections, and lets the others end with the
  /// answer they wait for.
  public func drain() {
    isRetiring = true
    isDraining = true
    for listener in listeners {
      listener.acceptAll()
      listener.cancel()
    }
    listeners = []
    for connection in connections.values { connection.drain() }
  }

  /// Closes everything now; exchanges that wait are abandoned with `.shutdown`.
  public func close() {
    drain()
    for connection in connections.values { connection.closeForShutdown() }
  }

  private func accept(_ connection: Connection) -> (any ConnectionDelegate)? {
    nextIdentity += 1
    let server = ServerConnection(self, connection, identity: nextIdentity)
    connections[ObjectIdentifier(server)] = server
    return server
  }

  func forget(_ connection: ServerConnection) {
    connections[ObjectIdentifier(connection)] = nil
  }
}
