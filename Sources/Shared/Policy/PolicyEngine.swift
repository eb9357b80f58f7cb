public import DataModel

/// Compares what policies want with what a twin knows and plans the fewest RPCs. Pure: the same arguments give the same
/// plan, at any time and place.
///
/// In a session: apply the Inform to the twin and plan; send the plan's first RPC; apply its response to the twin, or
/// call ``faulted(_:fault:session:twin:now:)``; plan again, until a plan has no RPC. An RPC that got no answer is
/// simply planned again.
public struct PolicyEngine: Sendable {
  /// The policies in the order of their strength: higher priority, then name.
  public let policies: [VersionedPolicy]
  /// The bounds of the work.
  public let limits: PolicyLimits
  let sha256: @Sendable ([UInt8]) -> [UInt8]

  /// Makes an engine of the policies in force in the fleet; of several versions of one policy the latest counts.
  ///
  /// - Parameter sha256: the hash of the parameter key (this module knows no cryptography).
  public init(
    policies: [VersionedPolicy], limits: PolicyLimits = PolicyLimits(), sha256: @escaping @Sendable ([UInt8]) -> [UInt8]
  ) {
    let latest = Dictionary(policies.map { ($0.document.name, $0) }) { $0.version >= $1.version ? $0 : $1 }
    self.policies = latest.values.sorted { left, right in
      left.document.priority == right.document.priority
        ? left.document.name < right.document.name : left.document.priority > right.document.priority
    }
    self.limits = limits
    self.sha256 = sha256
  }

  /// The blocks of the device's twin that ``plan(_:twin:now:fingerprint:)`` reads.
  public func scope(for facts: DeviceFacts) -> TwinScope {
    let claims = claims(for: facts)
    var scope = TwinScope(claims.settings.map(\.path))
    for refresh in claims.refreshes { scope.insert(refresh.path) }
    return scope
  }

  /// 24 hexadecimal digits of SHA-256 over the sorted `name@version` of these policies, a line each (item 134).
  func parameterKey(_ indices: some Sequence<Int>) -> String {
    let names = indices.map { "\(policies[$0].document.name)@\(policies[$0].version)\n" }.sorted()
    let digits = Array("0123456789abcdef".utf8)
    let hash = sha256(Array(names.joined().utf8)).prefix(12)
    return String(decoding: hash.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
