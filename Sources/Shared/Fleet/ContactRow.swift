public import Cryptography

/// What changes with every Inform: the row of table `device_contact`, which stands alone so that its updates stay
/// cheap.
public struct ContactRow: Sendable, Hashable {
  /// When the last Inform was folded, microseconds since 1970.
  public var lastInform: Int64
  /// The present session: that of the last Inform.
  public var session: UUID128
  /// Of the last Inform's DeviceId and ParameterList; empty: fold the next Inform whole.
  public var digest: [UInt8] = []
  /// Of the last Inform's events: tells one that was merely tried again.
  public var eventsHash: Int64 = 0
  /// Whether a POST is known to have followed the last Inform.
  public var posted = false
  /// The policies last evaluated; 0 asks for an evaluation.
  public var policyEpoch: Int64 = 0
  /// When a `refresh` or a back-off next asks, microseconds since 1970; `Int64.max` never.
  public var nextDue = Int64.max
  /// Goes up when somebody but the worker changes what policies see (tags).
  public var touched: Int32 = 0

  /// Creates the row at a device's first Inform.
  public init(lastInform: Int64, session: UUID128) {
    self.lastInform = lastInform
    self.session = session
  }
}
