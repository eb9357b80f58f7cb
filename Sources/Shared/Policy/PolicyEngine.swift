public import DataModel

/// A set of policies, each with its version.
public struct VersionedPolicy: Sendable, Equatable {
  /// What the policy says.
  public var document: PolicyDocument
  /// Its version, from 1.
  public var version: Int

  /// Makes a version.
  public init(document: PolicyDocument, version: Int) {
    self.document = document
    self.version = version
  }
}

/// Compares what policies want with what a twin knows and plans the fewest RPCs. Pure: the same arguments give the same
/// plan, at any time and place.
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
    self.policies = policies
    self.limits = limits
    self.sha256 = sha256
  }

  /// The blocks of the device's twin that ``plan(_:twin:now:fingerprint:)`` reads.
  public func scope(for facts: DeviceFacts) -> TwinScope {
    TwinScope()
  }

  /// Plans what the device needs now.
  ///
  /// - Parameter fingerprint: as given to the twin with what was set.
  public func plan(
    _ session: PolicySession, twin: Twin, now: UnixMilliseconds, fingerprint: SecretFingerprint
  ) -> Plan {
    Plan()
  }

  /// Takes note that the CPE answered a planned RPC with a fault: nothing of it was applied (item 130).
  ///
  /// The policy at fault is put back in the session's standings, a GetParameterValues is split and the one name at
  /// fault marked in the twin. Then plan again. An RPC that succeeded is only applied to the twin.
  public func faulted(
    _ rpc: PlannedRPC, fault: PlannedFault, session: inout PolicySession, twin: inout Twin, now: UnixMilliseconds
  ) {
  }
}
