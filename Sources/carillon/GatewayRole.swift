import Cryptography
import EventLog
import Gateway
import Glibc
import HTTP
import Networking
import Operations
import PostgreSQL

/// A gateway's loops, listeners and directive reader as parts of a process.
enum GatewayRole {
  static func parts(_ process: ServerProcess, _ log: any EventLog) async throws -> [LifecyclePart] {
    let configuration = process.configuration.gateway
    let loops = min(process.loops(configuration.loops), 255)
    let parts = try parts(configuration, loops, process, log)
    let connections = self.connections(configuration, process) / loops
    let tickets = try tickets(process.keyring)
    let listeners = try configuration.listeners.map { try listening($0, configuration, tickets) }
    let http = self.http(configuration.limits)
    var shards: [GatewayShard] = []
    for number in 0..<loops {
      let loop = try process.loop("gateway-\(number)")
      shards.append(try await loop.run { try GatewayShard(parts, number: UInt8(number), on: loop) })
    }
    let all = shards
    let readerLoop = try process.loop("directives")
    let reader = try await readerLoop.run { DirectiveReader(parts, all, on: readerLoop) }
    process.readiness.expect("gateway")
    let directives = LifecyclePart(
      "directives",
      start: {
        try await log.probe(written: [.messages], read: [.directives])
        try await reader.start()
      }, run: { await reader.run() }, stop: { await reader.stop() })
    // As long as the balancer needs to see it, then as long as a POST may take, and the way out.
    let drain = (balancer: configuration.drain, posts: configuration.limits.answerDeadline)
    let gateway = LifecyclePart(
      "gateway", stopDeadline: drain.balancer + drain.posts + .seconds(3),
      start: {
        for shard in all { try await shard.prepare() }
        for shard in all {
          let files = configuration.files.directory
          for address in try await shard.listen(listeners, http, connections: connections, files: files) {
            process.logger.info("listening for CPEs") { $0.add(.address, describing: address) }
          }
        }
        process.readiness.ready("gateway")
      },
      reload: {
        // All of them, or none.
        let contexts = try configuration.listeners.map { try tls($0, tickets) }
        for shard in all { await shard.use(contexts) }
      },
      stop: {
        process.readiness.stopping("gateway")
        for shard in all { await shard.retire() }
        try? await process.control.sleep(for: drain.balancer)
        await withTaskGroup { group in
          for shard in all { group.addTask { await shard.drain(within: drain.posts) } }
        }
        // What was answered is on its way out; who is slow to take it has had a second.
        try? await process.control.sleep(for: .seconds(1))
        for shard in all { await shard.close() }
      })
    return [directives, gateway]
  }

  /// How many connections the process may have, over all listeners and loops: of what it may have open a tenth is for
  /// the rest, and a download takes a second descriptor.
  private static func connections(_ configuration: GatewayConfiguration, _ process: ServerProcess) -> Int {
    guard configuration.limits.connections == 0 else { return configuration.limits.connections }
    return process.openFiles * 9 / 10 / (configuration.files.directory == nil ? 1 : 2)
  }

  /// The same at every gateway, so that a CPE resumes its TLS session wherever it comes; each day others.
  private static func tickets(_ keyring: ClusterKeyring) throws -> TicketKeys {
    try TicketKeys(
      clock: { Int64(time(nil)) },
      keys: { day in keyring.keys(for: .tlsTickets, day: day, count: TicketKeys.keyLength).map(\.bytes) })
  }

  private static func parts(
    _ configuration: GatewayConfiguration, _ loops: Int, _ process: ServerProcess, _ log: any EventLog
  ) throws -> GatewayParts {
    let bootstrap = try configuration.authentication.bootstrap.map { credential in
      (username: credential.username, password: SecretKey(Array(try credential.password.load().utf8)))
    }
    var parts = GatewayParts(
      log: log, database: process.database, keyring: process.keyring, sealer: process.sealer,
      realm: configuration.authentication.realm, bootstrap: bootstrap, logger: process.logger,
      metrics: process.metrics)
    parts.budget.bytes = configuration.limits.bodyBudget / loops
    parts.deadlines.directive = microseconds(configuration.limits.directiveDeadline)
    // What is left is for reading the body, authentication, and the way out.
    parts.deadlines.acknowledgement = microseconds(configuration.limits.answerDeadline) * 4 / 5
    return parts
  }

  private static func microseconds(_ duration: Duration) -> Int64 {
    duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
  }

  private static func tls(_ listener: ListenerConfiguration, _ tickets: TicketKeys) throws -> TLSServerContext? {
    guard let certificate = listener.certificateFile, let key = listener.keyFile else { return nil }
    return try TLSServerContext(
      certificateChain: certificate, privateKey: key, ticketKeys: tickets, allowsLegacy: listener.allowsLegacyTLS)
  }

  private static func listening(
    _ listener: ListenerConfiguration, _ configuration: GatewayConfiguration, _ tickets: TicketKeys
  ) throws -> GatewayShard.Listening {
    var options = ListenerOptions()
    options.tls = try tls(listener, tickets)
    if listener.connectionIdentity == .proxyV2 || !listener.proxyPeers.isEmpty {
      options.proxies = try listener.proxyPeers.map { try AddressRange($0) }
    }
    var policy = Authentication.Policy()
    policy.digest = configuration.authentication.digest
    policy.basic =
      configuration.authentication.basic
      && (options.tls != nil || configuration.authentication.allowsBasicWithoutTLS)
    policy.none = configuration.authentication.allowsUnauthenticated
    var listening = GatewayShard.Listening(
      address: try SocketAddress(host: listener.address, port: listener.port), options: options,
      authentication: policy)
    listening.followsConnection = listener.connectionIdentity != .none
    // What the log would not take must be refused before it is read.
    listening.body = min(configuration.limits.body, EventLogLimits.maximumBodyBytes)
    listening.unauthenticatedBody = configuration.limits.unauthenticatedBody
    return listening
  }

  private static func http(_ limits: GatewayLimits) -> HTTPConfiguration {
    var http = HTTPConfiguration()
    http.limits.head = limits.head
    http.headDeadline = limits.headDeadline
    http.bodyDeadline = limits.bodyDeadline
    http.idleDeadline = limits.idle
    http.sendsDate = false
    return http
  }
}
