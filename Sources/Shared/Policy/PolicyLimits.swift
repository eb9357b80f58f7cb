/// The bounds of policies' work (docs/architecture.md, section 6).
public struct PolicyLimits: Sendable, Equatable {
  /// Rounds of plan and answer in one session; the worker counts them.
  public var rounds = 16
  /// RPCs that policies send in one session; the worker counts them.
  public var rpcs = 64
  /// Steps of one evaluation: policies matched, settings and refreshes looked at.
  public var steps = 100_000
  /// Names in one GetParameterValues (item 128).
  public var readBatch = 64
  /// Values in one SetParameterValues.
  public var setBatch = 256
  /// Bytes of names and values in one SetParameterValues; one value that is larger goes alone.
  public var setBytes = 65_536
  /// How often one value is set and accepted without a report that agrees, before its policy backs off (Q42).
  public var unconfirmedSets = 3
  /// The wait after a policy's first failure, in milliseconds; each further failure doubles it.
  public var firstBackOff: Int64 = 300_000
  /// The longest wait, in milliseconds.
  public var longestBackOff: Int64 = 86_400_000

  /// The bounds as they stand here.
  public init() {}
}
