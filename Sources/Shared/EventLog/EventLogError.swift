/// Why the log did not do what it was asked.
public struct EventLogError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure, so that a caller can choose.
  public enum Kind: Sendable, Equatable {
    /// The log cannot be reached or has too few replicas; worth trying again.
    case unavailable
    /// Too much is waiting to be appended; refuse work or try later.
    case full
    /// The record is over ``EventLogLimits/maximumRecordBytes`` or what the topic takes.
    case tooLarge
    /// The offset asked for is no longer, or not yet, in the partition.
    case offsetOutOfRange(Partition, oldest: Int64, end: Int64)
    /// The topic is missing or not as `carillon migrate` makes it.
    case misconfigured
    /// The log was shut down.
    case stopped
  }

  /// What kind of failure.
  public var kind: Kind
  /// What happened and where, for an operator. Holds no record's contents.
  public var description: String

  /// Creates an error.
  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
