import Cryptography
import EventLog
import Networking
import PostgreSQL

/// Relays committed events to their topics (promise P5; docs/architecture.md, section 5): at least once, in order per
/// device, with the ids that were committed.
///
/// What is relayed is deleted after the log's acknowledgement, and what is read is whatever is there: never a
/// high-water mark, which would pass over rows that commit late. An event that its topic will never take, for it is too
/// large, is relayed without its data: it must not stop those behind it.
actor OutboxRelay: Activity {
  private static let batch: Int32 = 1000
  /// Bytes of one reading, but for one that is larger by itself.
  private static let batchBytes: Int64 = 4 << 20

  private nonisolated let loop: EventLoop
  private let lanes: OutboxLanes
  private let lane: Lane
  private let records: RecordAppender
  /// Rows that the log refused as too large.
  private var tooLarge: Set<Int64> = []

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
    let rows = try await lane.query(
      Self.read, .int16s(owned), .int32(Self.batch), .int64(Self.batchBytes),
      .int16s(Topic.allCases.map(\.rawValue)))
    guard !rows.isEmpty else { return Round() }
    let entries = OutboxEntry.inOrder(try rows.compactMap(OutboxEntry.init)).map { entry in
      tooLarge.contains(entry.id) ? entry.withoutData : entry
    }
    let results = await records.append(entries.map(record))
    let relayed = OutboxEntry.relayed(entries, results)
    if !relayed.isEmpty { _ = try await lane.query(Self.delete, .int64s(relayed)) }
    tooLarge = Set(zip(entries, results).lazy.filter { $1.isTooLarge }.map(\.0.id))
    if relayed.count < entries.count, let error = results.firstFailure { throw error }
    let isFull = rows.count == Int(Self.batch) || entries.reduce(0) { $0 + $1.value.count } >= Self.batchBytes
    return Round("relayed", relayed.count, hasMore: !relayed.isEmpty && isFull)
  }

  private func record(_ entry: OutboxEntry) -> OutgoingRecord {
    let key = Array(entry.device.description.utf8)
    return OutgoingRecord(
      partition: records.partition(of: key, in: entry.topic), key: key, headers: entry.sequencedHeaders,
      value: entry.value)
  }

  /// $1: lanes, $2: how many, $3: of how many bytes, $4: topics; a row of one that only a newer version knows is left
  /// for that one.
  private static let read = Statement(
    "outbox.read",
    """
    SELECT id, device, seq, topic, headers, value
      FROM (SELECT *, sum(octet_length(value)) OVER (ORDER BY id) - octet_length(value) AS before
              FROM (SELECT * FROM outbox WHERE lane = ANY ($1::smallint[]) AND topic = ANY ($4::smallint[])
                     ORDER BY id LIMIT $2) AS o) AS o
     WHERE before < $3 ORDER BY id
    """)

  private static let delete = Statement("outbox.delete", "DELETE FROM outbox WHERE id = ANY ($1::bigint[])")
}

extension Result<Int64, EventLogError> {
  fileprivate var isTooLarge: Bool {
    if case .failure(let error) = self { error.kind == .tooLarge } else { false }
  }
}

extension [Result<Int64, EventLogError>] {
  fileprivate var firstFailure: EventLogError? {
    for case .failure(let error) in self { return error }
    return nil
  }
}
