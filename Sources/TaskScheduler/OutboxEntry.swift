import Cryptography
import EventLog
import PostgreSQL

/// A row of the outbox.
struct OutboxEntry: Sendable {
  var id: Int64
  var device: UUID128
  /// Its place among the device's events.
  var sequence: Int64
  var topic: Topic
  var headers: RecordHeaders
  var value: [UInt8]

  /// Its headers with `ce_sequence`, padded so that it sorts as text; dead letters are no events and get none.
  var sequencedHeaders: RecordHeaders {
    guard topic != .deadLetters else { return headers }
    var headers = headers
    let digits = String(sequence)
    headers.append("ce_sequence", String(repeating: "0", count: max(0, 20 - digits.count)) + digits)
    return headers
  }

  /// The same event without what it tells, as a topic takes it whose limit is lower than what workers make.
  var withoutData: OutboxEntry {
    var entry = self
    entry.value = Array(#"{"omitted":"data"}"#.utf8)
    return entry
  }

  /// Each device's entries by their sequence.
  static func inOrder(_ entries: [OutboxEntry]) -> [OutboxEntry] {
    entries.sorted { ($0.device, $0.sequence, $0.id) < ($1.device, $1.sequence, $1.id) }
  }

  /// The ids of the entries that are done: of each device those before its first failure. What follows a failure is
  /// relayed again with it, so that the last time each is seen they are in order.
  static func relayed(_ entries: [OutboxEntry], _ results: [Result<Int64, EventLogError>]) -> [Int64] {
    var failed: Set<UUID128> = []
    var done: [Int64] = []
    for (entry, result) in zip(entries, results) {
      if case .failure = result { failed.insert(entry.device) }
      if !failed.contains(entry.device) { done.append(entry.id) }
    }
    return done
  }
}

extension OutboxEntry {
  /// Reads a row of `id, device, seq, topic, headers, value`; nil where there is no such topic.
  init?(_ row: Row) throws(PostgreSQLError) {
    guard let topic = Topic(rawValue: try row.int16(3)) else { return nil }
    self.init(
      id: try row.int64(0), device: try row.uuid(1), sequence: try row.int64(2), topic: topic,
      headers: RecordHeaders(bytes: try row.bytes(4)), value: try row.bytes(5))
  }
}
