/// A record to append.
public struct OutgoingRecord: Sendable {
  /// Where it goes. Who appends picks the partition (``Partitioning``), so that both logs place a key alike.
  public var partition: Partition
  /// The key: for what concerns a device its id as text, empty where there is none.
  public var key: [UInt8]
  /// The headers.
  public var headers: RecordHeaders
  /// The value, at most ``EventLogLimits/maximumRecordBytes``.
  public var value: [UInt8]

  /// Creates a record to append.
  public init(partition: Partition, key: [UInt8], headers: RecordHeaders, value: [UInt8]) {
    self.partition = partition
    self.key = key
    self.headers = headers
    self.value = value
  }
}

/// A record as it was read.
public struct LogRecord: Sendable {
  /// Where it was read.
  public var partition: Partition
  /// Its place there. Offsets of a partition increase; on Kafka they may have gaps.
  public var offset: Int64
  /// When the log took it, in microseconds since 1970, by the log's clock.
  public var timestamp: Int64
  /// The key it was appended with.
  public var key: [UInt8]
  /// The headers it was appended with.
  public var headers: RecordHeaders
  /// The value it was appended with.
  public var value: [UInt8]

  /// Creates a record as read.
  public init(
    partition: Partition, offset: Int64, timestamp: Int64, key: [UInt8], headers: RecordHeaders, value: [UInt8]
  ) {
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    self.key = key
    self.headers = headers
    self.value = value
  }
}

extension LogRecord {
  /// Marks the records by which ``EventLog/probe(written:read:)`` shows on Kafka that appends are acknowledged.
  public static let heartbeatHeader: StaticString = "carillon-heartbeat"

  /// Whether it is such a record: to be moved past, and nothing else. Any other record of `messages` has a key.
  public var isHeartbeat: Bool { key.isEmpty && headers.first(Self.heartbeatHeader) != nil }
}

/// What both logs agree to carry.
public enum EventLogLimits {
  /// The largest value of a record: 16 MiB, less room for its headers.
  public static let maximumRecordBytes = 16 * 1024 * 1024 - 64 * 1024
  /// The largest body of a CPE that fits into a record whatever it holds: sealing adds a little where it cannot
  /// deflate.
  public static let maximumBodyBytes = maximumRecordBytes - 16 * 1024
}
