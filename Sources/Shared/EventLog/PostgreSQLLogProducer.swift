import Networking
import PostgreSQL

/// Appends one loop's records to the PostgreSQL log: those of a turn together, and while an append is under way, all
/// that come meanwhile. One round trip and one commit a batch.
final class PostgreSQLLogProducer: LogProducer {
  private typealias Completion = (Result<Int64, EventLogError>) -> Void

  private struct Batch {
    var records: [(record: OutgoingRecord, completion: Completion)] = []
    var bytes = 0
  }

  private static let maximumWaiting = 20_000
  private static let maximumWaitingBytes = 64 << 20
  private static let maximumBatch = 512
  private static let maximumBatchBytes = 4 << 20
  private static let maximumUnderWay = 2

  private let lane: Lane?
  private let wakeups: LogWakeups
  private var waiting: [Topic: Batch] = [:]
  private var waitingCount = 0
  private var waitingBytes = 0
  private var underWay = 0
  private var isScheduled = false
  private var isNotifying = false

  init(lane: Lane?, wakeups: LogWakeups) {
    self.lane = lane
    self.wakeups = wakeups
  }

  deinit {
    guard let lane else { return }
    Task(executorPreference: lane.loop) { await lane.close() }
  }

  func append(_ record: OutgoingRecord, _ completion: @escaping (Result<Int64, EventLogError>) -> Void) {
    guard let lane else {
      return completion(.failure(EventLogError(.misconfigured, "the connection string cannot be understood")))
    }
    guard record.value.count <= EventLogLimits.maximumRecordBytes else {
      return completion(.failure(EventLogError(.tooLarge, "a record of \(record.value.count) bytes")))
    }
    guard waitingCount < Self.maximumWaiting, waitingBytes + record.value.count <= Self.maximumWaitingBytes else {
      return completion(.failure(EventLogError(.full, "\(waitingCount) records wait to be appended")))
    }
    waiting[record.partition.topic, default: Batch()].records.append((record, completion))
    waiting[record.partition.topic]?.bytes += record.value.count
    waitingCount += 1
    waitingBytes += record.value.count
    guard !isScheduled, underWay < Self.maximumUnderWay else { return }
    isScheduled = true
    // At the end of the turn, so that what the turn brought travels together.
    _ = lane.loop.schedule(after: .zero) { [weak self] in
      self?.isScheduled = false
      self?.send()
    }
  }

  private func send() {
    guard let lane else { return }
    for topic in Topic.allCases {
      while underWay < Self.maximumUnderWay, let batch = take(topic) { send(batch, topic, lane) }
    }
  }

  private func take(_ topic: Topic) -> Batch? {
    guard var all = waiting[topic], !all.records.isEmpty else { return nil }
    var batch = Batch()
    var count = 0
    while count < all.records.count, count < Self.maximumBatch {
      let size = all.records[count].record.value.count
      if count > 0, batch.bytes + size > Self.maximumBatchBytes { break }
      batch.bytes += size
      count += 1
    }
    batch.records = Array(all.records.prefix(count))
    all.records.removeFirst(count)
    all.bytes -= batch.bytes
    waiting[topic] = all.records.isEmpty ? nil : all
    waitingCount -= count
    waitingBytes -= batch.bytes
    return batch
  }

  private func send(_ batch: Batch, _ topic: Topic, _ lane: Lane) {
    var parts = PostgreSQLArray(.int32, minimumCapacity: batch.records.count)
    var keys = PostgreSQLArray(.bytes)
    var headers = PostgreSQLArray(.bytes)
    var values = PostgreSQLArray(.bytes)
    for (record, _) in batch.records {
      parts.append(record.partition.number)
      keys.append(bytes: record.key)
      headers.append(bytes: record.headers.bytes)
      values.append(bytes: record.value)
    }
    let number = PostgreSQLValue.int16(topic.rawValue)
    var calls = [
      Call(LogStatements.lock, number, .array(parts)),
      Call(LogStatements.append, number, .array(parts), .array(keys), .array(headers), .array(values)),
    ]
    if topic.isTransient { calls.insert(Call(LogStatements.unhurried), at: 0) }
    underWay += 1
    // Alone: the heads' locks are not held for a neighbour's sake, and its failure is not ours.
    lane.submit(calls, alone: true) { [self] result in
      underWay -= 1
      complete(batch, result)
      send()
    }
  }

  private func complete(_ batch: Batch, _ result: Result<[Rows], PostgreSQLError>) {
    var offsets: [Int32: Int64] = [:]
    var failure: EventLogError?
    switch result {
    case .failure(let error): failure = EventLogError(error)
    case .success(let rows):
      do throws(PostgreSQLError) {
        for row in rows[rows.count - 1] { offsets[try row.int32(0)] = try row.int64(1) }
      } catch {
        failure = EventLogError(error)
      }
    }
    for (record, completion) in batch.records {
      if let failure {
        completion(.failure(failure))
      } else if let offset = offsets[record.partition.number] {
        offsets[record.partition.number] = offset + 1
        completion(.success(offset))
      } else {
        completion(.failure(EventLogError(.misconfigured, "\(record.partition) does not exist")))
      }
    }
    if failure == nil { wake() }
  }

  /// Wakes readers: this process's at once, others' at most every 5 ms.
  private func wake() {
    wakeups.signal()
    guard !isNotifying, let lane else { return }
    isNotifying = true
    _ = lane.loop.schedule(after: .milliseconds(5)) { [weak self] in
      self?.isNotifying = false
      lane.submit([Call(LogStatements.notify)], deadline: .seconds(1), alone: true) { _ in }
    }
  }
}
