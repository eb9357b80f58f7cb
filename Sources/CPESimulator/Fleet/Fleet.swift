public import CWMP
import HTTP
public import Networking
import Synchronization

/// Simulated CPEs on one or more event loops.
///
/// ```swift
/// var settings = FleetSettings(url: "http://127.0.0.1:7547/acs", count: 1)
/// settings.bootstrap = ACSCredentials(username: "bootstrap", password: "secret")
/// let fleet = try await Fleet(settings, loops: [loop])
/// try await fleet.start()
/// let report = try await fleet.session(of: 0, events: [EventStruct(.bootstrap), EventStruct(.boot)])
/// ```
public final class Fleet: Sendable {
  /// What it was made with, but TLS: `https` without a context gets one that trusts the system's authorities.
  public let settings: FleetSettings
  private let parts: [Part]
  private let history: HistoryFile?
  private let nextWaiter = Atomic<UInt64>(0)

  private struct Part: Sendable {
    let loop: EventLoop
    let shard: LoopBound<FleetShard>
    let server: LoopBound<HTTPServer>?
    let callback: SocketAddress?
  }

  /// Makes the CPEs and opens the listeners for connection requests; nothing is sent before ``start()``.
  ///
  /// - Throws: ``FleetError``, ``ModelError``, `NetworkingError`, `HistoryError`.
  public init(_ settings: FleetSettings, loops: [EventLoop]) async throws {
    guard !loops.isEmpty else { throw FleetError("a fleet needs a loop") }
    let setup = try FleetSetup(settings)
    var settings = settings
    settings.tls = setup.acs.isTLS ? try settings.tls ?? TLSClientContext() : nil
    let file = try settings.historyFile.map { try HistoryFile(path: $0) }
    let final = settings
    var parts: [Part] = []
    for (number, loop) in loops.enumerated() {
      parts.append(try await loop.run { try Self.part(number, of: loops.count, loop, final, setup, file) })
    }
    self.settings = settings
    self.parts = parts
    history = file
  }

  private static func part(
    _ number: Int, of count: Int, _ loop: EventLoop, _ settings: FleetSettings, _ setup: FleetSetup,
    _ history: HistoryFile?
  ) throws -> Part {
    let indices = stride(from: number, to: settings.count, by: count).map { settings.firstIndex + UInt32($0) }
    let late = LateService()
    var server: HTTPServer?
    var callback: SocketAddress?
    if let wanted = settings.callback {
      let made = HTTPServer(loop: loop, service: late)
      let port = wanted.port == 0 ? 0 : wanted.port + UInt16(number)
      callback = try made.listen(on: SocketAddress(ip: wanted.ip, port: port)).address
      server = made
    }
    var own = settings
    switch settings.pace {
    case .closedLoop(let sessions):
      own.pace = .closedLoop(sessions: sessions / count + (number < sessions % count ? 1 : 0))
    case .openLoop(let rate): own.pace = .openLoop(sessionsPerSecond: rate / Double(count))
    default: break
    }
    let shard = FleetShard(
      loop: loop, settings: own, setup: setup, indices: indices, callbackPort: callback?.port,
      connectionLimit: max(1, settings.connectionLimit / count),
      history: history.map { HistoryWriter($0, loop: loop) })
    late.service = ConnectionRequestService(shard: shard)
    return Part(
      loop: loop, shard: LoopBound(shard, on: loop), server: server.map { LoopBound($0, on: loop) }, callback: callback)
  }

  /// The address of each loop's listener for connection requests.
  public var callbacks: [SocketAddress] { parts.compactMap(\.callback) }

  /// Begins what the pace says.
  public func start() async throws {
    for part in parts { try await part.loop.run { part.shard.value.start() } }
  }

  /// Begins no more sessions, and waits up to `patience` for the open ones.
  public func windDown(patience: Duration = .seconds(10)) async throws {
    for part in parts { try await part.loop.run { part.shard.value.windDown() } }
    let end = ContinuousClock.now + patience
    while try await statistics().open > 0, ContinuousClock.now < end {
      try await parts[0].loop.sleep(for: .milliseconds(20))
    }
  }

  /// Breaks off open sessions, closes the listeners and writes the history to its end.
  public func stop() async throws {
    for part in parts {
      try await part.loop.run {
        part.server?.value.close()
        part.shard.value.stop()
      }
    }
  }

  /// What the fleet has done so far.
  public func statistics() async throws -> FleetStatistics {
    var all = FleetStatistics()
    for part in parts { all.add(try await part.loop.run { part.shard.value.snapshot }) }
    return all
  }
}

/// Lets a listener open before its service can be made: that needs the port.
final class LateService: HTTPService {
  var service: (any HTTPService)?

  func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision {
    service?.begin(head, exchange) ?? .refuse(.serviceUnavailable, FieldBlock(), [])
  }
}

// MARK: - One CPE

extension Fleet {
  /// Runs `body` with a CPE, counted from 0 in the fleet, on its loop.
  private func with<Result: Sendable>(
    _ cpe: Int, _ body: @escaping @Sendable (FleetShard, SimulatedCPE) throws -> Result
  ) async throws -> Result {
    guard (0..<settings.count).contains(cpe) else { throw FleetError("there is no CPE \(cpe)") }
    let part = parts[cpe % parts.count]
    let place = cpe / parts.count
    return try await part.loop.run { try body(part.shard.value, part.shard.value.cpes[place]) }
  }

  /// Lets a CPE begin a session with these events, after the present one if one is open, and waits for its end.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled; ``FleetError`` if the fleet is stopped.
  public func session(
    of cpe: Int, events: [EventStruct] = [EventStruct(.periodic)]
  ) async throws -> SessionReport {
    try await report(of: cpe) {
      $0.sessions + 1
    } then: { shard, cpe in
      cpe.state.replaceEvents(cpe.state.events.filter(\.isDeliveredByTransferComplete) + events)
      shard.requestSession(cpe)
    }
  }

  /// Waits for the end of the session that followed another one of the CPE, also if it is over already and
  /// ``FleetSettings/keptReports`` reaches back to it.
  ///
  /// - Parameter earlier: nil: waits for the CPE's first session.
  public func session(of cpe: Int, after earlier: SessionReport?) async throws -> SessionReport {
    try await report(of: cpe) { _ in (earlier?.number ?? 0) + 1 }
  }

  /// - Parameter number: Tells the number of the session to wait for.
  private func report(
    of cpe: Int, _ number: @escaping @Sendable (SimulatedCPE) -> UInt32,
    then begin: @escaping @Sendable (FleetShard, SimulatedCPE) -> Void = { _, _ in }
  ) async throws -> SessionReport {
    guard (0..<settings.count).contains(cpe) else { throw FleetError("there is no CPE \(cpe)") }
    let part = parts[cpe % parts.count]
    let place = cpe / parts.count
    let identity = nextWaiter.add(1, ordering: .relaxed).newValue
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let accepted = part.loop.runSoon {
          let shard = part.shard.value
          let cpe = shard.cpes[place]
          shard.waiters.add(cpe, number: number(cpe), identity: identity, continuation)
          begin(shard, cpe)
        }
        if !accepted { continuation.resume(throwing: FleetError("the fleet's loop has ended")) }
      }
    } onCancel: {
      part.loop.post { part.shard.value.waiters.cancel(place, identity) }
    }
  }

  /// Who a CPE is.
  public func identity(of cpe: Int) -> CPEIdentity { CPEIdentity(index: settings.firstIndex + UInt32(cpe)) }

  /// The value of a parameter as the CPE itself knows it, passwords included; nil if it has none of that path.
  public func value(_ path: String, of cpe: Int) async throws -> String? {
    try await with(cpe) { _, cpe in
      guard let address = cpe.state.model.address(of: path), cpe.state.data.contains(address, in: cpe.state.model),
        cpe.state.model.node(address).parameter != nil
      else { return nil }
      return cpe.state.value(at: address, now: Clock.milliseconds)
    }
  }

  /// Changes a value as a user of the device would: with active notification a session follows.
  public func change(_ path: String, to value: String, of cpe: Int) async throws {
    try await with(cpe) { shard, cpe in
      guard let address = cpe.state.model.address(of: path) else { throw FleetError("there is no \(path)") }
      if cpe.state.changeLocally(address, to: value) { shard.requestSession(cpe) }
    }
  }

  /// Gives a CPE a misbehaviour, from its next session on.
  public func setMisbehaviours(_ misbehaviours: Misbehaviours, of cpe: Int) async throws {
    try await with(cpe) { _, cpe in cpe.state.misbehaviours = misbehaviours }
  }
}
