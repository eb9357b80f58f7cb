public import DataModel

/// How one policy fares on one device while it does not hold: stored per device and policy, absent while all is well.
public struct PolicyStanding: Sendable, Equatable {
  /// Why the policy does not hold.
  public enum Cause: Sendable, Equatable {
    /// The CPE answered with this fault.
    case fault(code: Int, text: String)
    /// The CPE accepts the value and reports another (Q42).
    case notKept
  }

  /// The policy's name.
  public var policy: String
  /// The version that failed; another version starts afresh.
  public var version: Int
  /// Failures in a row, at least 1.
  public var failures: Int
  /// Until then the policy sends nothing to the device.
  public var retryAt: UnixMilliseconds
  /// Why.
  public var cause: Cause
  /// The parameter at fault, where one is known.
  public var path: ParameterPath?

  /// Makes a standing, as read from where it is stored.
  public init(
    policy: String, version: Int, failures: Int, retryAt: UnixMilliseconds, cause: Cause, path: ParameterPath?
  ) {
    self.policy = policy
    self.version = version
    self.failures = failures
    self.retryAt = retryAt
    self.cause = cause
    self.path = path
  }
}
