import DataModel
import Policy

/// A CPE as policies meet it, with the faults of real ones, and what the worker does around the engine.
struct PolicyDevice {
  /// What stands in the device.
  var parameters: [ParameterPath: (type: ParameterType, value: String)] = [:]
  /// Parameters that stand in every Inform.
  var informed: Set<ParameterPath> = []
  /// Refuses to set these.
  var refused: Set<ParameterPath> = []
  /// Whether a fault names its parameters (Q40).
  var namesFaults = true
  /// Accepts these and does not keep them (Q42).
  var forgotten: Set<ParameterPath> = []
  /// Answers a read of a missing name with fault 9005, else leaves it out (Q38).
  var faultsMissing = false

  var twin = Twin()
  var standings: [PolicyStanding] = []
  var facts = DeviceFacts()
  var maySendSecrets = true
  var nextDue: UnixMilliseconds?
  private(set) var parameterKey = ""

  static let fingerprint = TwinTests.fingerprint

  /// One session; gives the RPCs that were sent, at most the limit.
  mutating func session(
    _ engine: PolicyEngine, events: [String] = ["2 PERIODIC"], now: UnixMilliseconds, atMost limit: Int = 64
  ) -> [PlannedRPC] {
    if events.contains("0 BOOTSTRAP") { twin.applyBootstrap() }
    let inform = informed.sorted().compactMap { path in
      parameters[path].map { ReportedValue(path: path, type: $0.type, value: $0.value) }
    }
    _ = twin.apply(inform: inform, at: now)
    var session = PolicySession(
      facts: facts, events: events, maySendSecrets: maySendSecrets, standings: standings)
    var sent: [PlannedRPC] = []
    while sent.count < limit {
      let plan = engine.plan(session, twin: twin, now: now, fingerprint: Self.fingerprint)
      session.standings = plan.standings
      nextDue = plan.nextDue
      guard let rpc = plan.rpcs.first else { break }
      sent.append(rpc)
      answer(rpc, engine, &session, now)
    }
    standings = session.standings
    return sent
  }

  private mutating func answer(
    _ rpc: PlannedRPC, _ engine: PolicyEngine, _ session: inout PolicySession, _ now: UnixMilliseconds
  ) {
    switch rpc {
    case .setParameterValues(let values, let key):
      let details = values.filter { refused.contains($0.path) || parameters[$0.path] == nil }.map {
        PlannedFault.Detail(path: $0.path, code: parameters[$0.path] == nil ? 9005 : 9007, text: "refused")
      }
      guard details.isEmpty else {
        let fault = PlannedFault(code: 9003, text: "Invalid arguments", details: namesFaults ? details : [])
        engine.faulted(rpc, fault: fault, session: &session, twin: &twin, now: now)
        return
      }
      for value in values where !forgotten.contains(value.path) { parameters[value.path]?.value = value.value }
      parameterKey = key
      _ = twin.apply(set: values, at: now, fingerprint: Self.fingerprint)
    case .getParameterValues(let paths):
      var values: [ReportedValue] = []
      for path in paths {
        let found = parameters.filter { path.contains($0.key) }
        if found.isEmpty, faultsMissing {
          let fault = PlannedFault(code: 9005, text: "Invalid parameter name")
          engine.faulted(rpc, fault: fault, session: &session, twin: &twin, now: now)
          return
        }
        values += found.map {
          ReportedValue(path: $0.key, type: $0.value.type, value: $0.key.isSecret ? "" : $0.value.value)
        }
      }
      _ = twin.apply(values: values, asked: paths, at: now)
    case .getParameterNames: break
    }
  }
}

/// A path that is known to be one.
func path(_ text: String) -> ParameterPath {
  do { return try ParameterPath(text) } catch { preconditionFailure("\(error)") }
}

/// An engine over these documents, of version 1 where none is given. Its hash shows what was hashed.
func engine(_ documents: [String], version: Int = 1, limits: PolicyLimits = PolicyLimits()) throws -> PolicyEngine {
  let policies = try documents.map { VersionedPolicy(document: try PolicyDocument.parse($0), version: version) }
  return PolicyEngine(policies: policies, limits: limits) { bytes in
    // FNV-1a, spread: a stand-in for SHA-256. Its lowest byte is the one that every input byte reaches.
    (0..<32).map { index in
      UInt8(
        truncatingIfNeeded: bytes.reduce(UInt64(14_695_981_039_346_656_037) &+ UInt64(index)) {
          ($0 ^ UInt64($1)) &* 1_099_511_628_211
        })
    }
  }
}
