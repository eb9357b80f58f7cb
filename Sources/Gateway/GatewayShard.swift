import Cryptography
import EventLog
import Fleet
public import HTTP
public import Networking
import Operations
import PostgreSQL

/// One loop of a gateway: its listeners, its session core, its lane to the credentials. An actor on that loop.
public actor GatewayShard {
  /// A listener as every loop opens it.
  public struct Listening: Sendable {
    /// Where.
    public var address: SocketAddress
    /// TLS and PROXY protocol.
    public var options: ListenerOptions
    /// Who may speak.
    public var authentication: Authentication.Policy
    /// Whether a connection is one CPE (docs/architecture.md, section 2.4).
    public var followsConnection: Bool
    /// Bytes of body before the CPE has proved who it is.
    public var unauthenticatedBody: Int
    /// Bytes of body after.
    public var body: Int

    /// A listener with the bounds of docs/architecture.md, section 10.
    public init(address: SocketAddress, options: ListenerOptions, authentication: Authentication.Policy) {
      self.address = address
      self.options = options
      self.authentication = authentication
      followsConnection = false
      unauthenticatedBody = 256 * 1024
      body = 16 * 1024 * 1024
    }
  }

  private nonisolated let loop: EventLoop
  private let lane: Lane
  private let clock = DatabaseClock()
  private let log: any EventLog
  private var ranges: PartitionRanges?
  private let gateway: GatewayLoop
  private let logger: Logger
  private var servers: [HTTPServer] = []
  private var listeners: [Listener] = []
  private var clockTask: Task<Void, Never>?

  /// Runs on the loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates loop `number` of a gateway. Call it on `loop`.
  public init(_ parts: GatewayParts, number: UInt8, on loop: EventLoop) throws {
    self.loop = loop
    logger = parts.logger
    log = parts.log
    var database = parts.database
    database.session = LaneSettings.byIndex
    lane = try Lane(on: loop, database)
    let metrics = GatewayMetrics(parts.metrics)
    let credentials = CredentialStore(
      lane: lane, keyring: parts.keyring, clock: clock, capacity: 100_000, logger: parts.logger,
      unreadable: metrics.unreadableCredentials)
    gateway = GatewayLoop(
      parts, number: number, on: loop, credentials: credentials, clock: clock, metrics: metrics)
  }

  /// Learns from the database what must not be guessed: its clock, how often it was restored, where devices' messages
  /// go. May be tried again.
  public func prepare() async throws {
    try await clock.adjust(with: lane)
    gateway.follow(restore: try await TaskStore.restoreCount(on: lane))
    try await place()
  }

  /// Opens the listeners, once ``prepare()`` has returned.
  /// - Parameters:
  ///   - connections: how many may be open at once, over all listeners of the loop.
  ///   - files: the directory that is served below `/files/`; nil serves none.
  /// - Returns: the addresses in use.
  public func listen(
    _ listening: [Listening], _ configuration: HTTPConfiguration, connections: Int, files: String? = nil
  ) throws -> [SocketAddress] {
    clockTask = Task(executorPreference: loop) { await self.keepClock() }
    let budget = ConnectionBudget(connections)
    return try listening.map { listening in
      let handler = CWMPHandler(
        gateway,
        CWMPHandler.Listening(
          authentication: listening.authentication, followsConnection: listening.followsConnection,
          unauthenticatedBody: listening.unauthenticatedBody, body: listening.body),
        files: files.map { FileService(directory: $0) })
      let server = HTTPServer(loop: loop, configuration: configuration, service: handler)
      server.onRefusal = { [gateway] _ in gateway.metrics.refused(.http) }
      let listener = try server.listen(on: listening.address, options: listening.options, budget: budget)
      servers.append(server)
      listeners.append(listener)
      return listener.address
    }
  }

  /// Certificates and keys for connections from now on, in the listeners' order; nil leaves a listener plain.
  public func use(_ tls: [TLSServerContext?]) {
    for (listener, tls) in zip(listeners, tls) { listener.tls = tls }
  }

  /// Directives that were read for this loop.
  func take(_ directives: [Directive]) { gateway.take(directives) }

  /// Directives may have been missed.
  func askAgain() { gateway.askAgain() }

  /// Serves on, new sessions too, but every answer ends its connection: the CPE's next POST goes where the load
  /// balancer now sends it.
  public func retire() {
    for server in servers { server.retire() }
  }

  /// Stops listening and lets what was begun come to its answer.
  /// - Parameter limit: when whoever still waits is answered with what there is.
  public func drain(within limit: Duration) async {
    listeners = []
    for server in servers { server.drain() }
    let end = loop.now + limit
    while servers.contains(where: { $0.connectionCount > 0 }), loop.now < end {
      do { try await loop.sleep(for: .milliseconds(50)) } catch { break }
    }
    gateway.stop()
  }

  /// Closes what is still open.
  public func close() async {
    for server in servers { server.close() }
    clockTask?.cancel()
    await clockTask?.value
    await lane.close()
  }

  /// Every ten seconds; while PostgreSQL is away the last offset stands.
  private func keepClock() async {
    while !Task.isCancelled {
      do { try await loop.sleep(for: .seconds(10)) } catch { return }
      do {
        try await clock.adjust(with: lane)
        gateway.follow(restore: try await TaskStore.restoreCount(on: lane))
        try await place()
      } catch {
        logger.debug("database clock not read") { $0.add(error) }
      }
    }
  }

  /// Learns of a new range of partitions well before it begins; until the log knows it, too, the ones before are used.
  private func place() async throws {
    let found = try await PartitionRanges.read(on: lane)
    guard found != ranges else { return }
    try await log.learnPartitions(of: .messages)
    gateway.place(in: found)
    ranges = found
  }
}
