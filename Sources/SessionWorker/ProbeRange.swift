/// Records of one partition of `cwmp.messages` that a probe folds: from an offset, up to but without another.
public struct ProbeRange: Sendable, Equatable, CustomStringConvertible {
  /// The partition's number.
  public var partition: Int32
  /// The first record's offset.
  public var first: Int64
  /// Where it ends: one past the last record's offset.
  public var end: Int64

  /// Creates a range.
  public init(partition: Int32, first: Int64, end: Int64) {
    self.partition = partition
    self.first = first
    self.end = end
  }

  /// Reads what ``description`` wrote; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, let partition = Int32(parts[0]), let first = Int64(parts[1]), let end = Int64(parts[2]),
      partition >= 0, first >= 0, end > first
    else { return nil }
    self.init(partition: partition, first: first, end: end)
  }

  /// `PARTITION:FIRST:END`.
  public var description: String { "\(partition):\(first):\(end)" }
}

/// What became of a probe.
public enum ProbeVerdict: Sendable, Equatable {
  /// It folded the records, or refused them in an orderly way: the worker may take them.
  case survived
  /// It died as only the records can have made it die: of a trap, a wild access, or its limit of memory or time.
  case died(String)
  /// It says nothing of the records: it could not be started, was killed, or took too long.
  case undecided(String)
}
