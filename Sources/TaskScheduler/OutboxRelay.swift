import Cryptography
import EventLog
import Networking
import PostgreSQL

/// Relays committed events to their topics (promise P5; docs/architecture.md, section 5): at least once, in order per
/// device, with the ids that were committed.
///
/// What is relayed is deleted after the log's acknowledgement, and what is read is whatever is there: never a
/// high-water mark, which would pass over rows that commit late.
actor OutboxRelay: Activity {
  private static let batch: Int32 = 1000

  private nonisolated let loop: EventLoop
  private let lanes: OutboxLanes
  private let lane: Lane
  private let records: RecordAppender

  nonisolated let name = "outbox-relay"
  nonisolated let period: Duration = .milliseconds(100)
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ lanes: OutboxLanes, _ lane: Lane, _ records: RecordAppender) {
    self.lanes = lanes
    self.lane = lane
    self.records = records
    loop = lane.loop
  }

  func round() async throws -> Round {
    let owned = await lanes.owned
    guard !owned.isEmpty else { return Round() }
    let rows = try await lane.query(Self.read, .int16s(owned), .int32(Self.batch))
    guard !rows.isEmpty else { return Round() }
    // A row for a topic that only a newer version knows is left for that one.
    let entries = OutboxEntry.inOrder(try rows.compactMap(OutboxEntry.init))
    let results = await records.append(entries.map(record))
    let relayed = OutboxEntry.relayed(entries, results)
    if !relayed.isEmpty { _ = try await lane.query(Self.delete, .int64s(relayed)) }
    if relayed.count < entries.count, let error = results.firstFailure { throw error }
    return Round("relayed", relayed.count, hasMore: !relayed.isEmpty && rows.count == Int(Self.batch))
  }

  private func record(_ entry: OutboxEntry) -> OutgoingRecord {
    let key = Array(entry.device.description.utf8)
    return OutgoingRecord(
      partition: records.partition(of: key, in: entry.topic), key: key, headers: entry.sequencedHeaders,
      value: entry.value)
  }

  private static let read = Statement(
    "outbox.read",
    """
    SELECT id, device, seq, topic, headers, value FROM outbox
     WHERE lane = ANY ($1::smallint[]) ORDER BY id LIMIT $2
    """)

  private static let delete = Statement("outbox.delete", "DELETE FROM outbox WHERE id = ANY ($1::bigint[])")
}

extension [Result<Int64, EventLogError>] {
  fileprivate var firstFailure: EventLogError? {
    for case .failure(let error) in self { return error }
    return nil
  }
}
