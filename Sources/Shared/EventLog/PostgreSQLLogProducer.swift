import Networking
import PostgreSQL

/// Appends one loop's records to the PostgreSQL log: those of a turn together, and while an append is under way, all
/// that come meanwhile. One round trip and one commit a batch.
final class PostgreSQLLogProducer: LogProducer {
  private static let maximumWaiting = 20_000
  private static let maximumWaitingBytes = 64 << 20
  private static let maximumUnderWay = 2

  private let lane: Lane?
  private let loop: EventLoop
  private let wakeups: LogWakeups
  private let notifier: LogNotifier
  /// What waits, the oldest first; only the last of a topic still grows.
  private var waiting: [AppendBatch] = []
  private var waitingCount = 0
  private var waitingBytes = 0
  private var underWay = 0
  private var isScheduled = false

  init(lane: Lane?, loop: EventLoop, wakeups: LogWakeups, notifier: LogNotifier) {
    self.lane = lane
    self.loop = loop
    self.wakeups = wakeups
    self.notifier = notifier
  }

  deinit { lane?.closeSoon() }

  func append(_ record: OutgoingRecord, _ completion: @escaping (Result<Int64, EventLogError>) -> Void) {
    guard record.value.count <= EventLogLimits.maximumRecordBytes else {
      return refuse(.tooLarge, "a record of \(record.value.count) bytes", completion)
    }
    let size = record.value.count + record.headers.bytes.count
    guard waitingCount < Self.maximumWaiting, waitingBytes + size <= Self.maximumWaitingBytes else {
      return refuse(.full, "\(waitingCount) records wait to be appended", completion)
    }
    waitingCount += 1
    waitingBytes += size
    if let open = waiting.last(where: { $0.topic == record.partition.topic }), open.hasRoom(for: size) {
      open.append(record, size, completion)
    } else {
      let batch = AppendBatch(record.partition.topic)
      batch.append(record, size, completion)
      waiting.append(batch)
    }
    guard !isScheduled, underWay < Self.maximumUnderWay else { return }
    isScheduled = true
    // At the end of the turn, so that what the turn brought travels together.
    loop.schedule(after: .zero) { [self] in
      isScheduled = false
      send()
    }
  }

  private func refuse(
    _ kind: EventLogError.Kind, _ reason: String, _ completion: @escaping (Result<Int64, EventLogError>) -> Void
  ) {
    loop.schedule(after: .zero) { completion(.failure(EventLogError(kind, reason))) }
  }

  private func send() {
    while underWay < Self.maximumUnderWay, !waiting.isEmpty {
      let batch = waiting.removeFirst()
      waitingCount -= batch.count
      waitingBytes -= batch.bytes
      guard let lane else {
        batch.complete(.failure(PostgreSQLError(.misconfigured, "the connection string cannot be understood")))
        continue
      }
      underWay += 1
      // Alone: the heads' locks are not held for a neighbour's sake, and its failure is not ours.
      lane.submit(batch.calls, alone: true) { [self] result in
        underWay -= 1
        if case .success = result {
          wakeups.signal(batch.partitions)
          notifier.appended(to: batch.topic)
        }
        send()
        batch.complete(result)
      }
    }
  }
}

/// Records of one topic on their way: encoded as they come, so that sending them is cheap.
private final class AppendBatch {
  private static let maximumCount = 512
  private static let maximumBytes = 4 << 20

  let topic: Topic
  private(set) var bytes = 0
  private var completions: [(part: Int32, index: Int64, done: (Result<Int64, EventLogError>) -> Void)] = []
  private var counts: [Int32: Int64] = [:]
  private var keys = PostgreSQLArray(.bytes)
  private var headers = PostgreSQLArray(.bytes)
  private var values = PostgreSQLArray(.bytes)

  init(_ topic: Topic) { self.topic = topic }

  var count: Int { completions.count }
  var partitions: [Partition] { counts.keys.map { Partition(topic, $0) } }

  func hasRoom(for size: Int) -> Bool { count < Self.maximumCount && bytes + size <= Self.maximumBytes }

  func append(_ record: OutgoingRecord, _ size: Int, _ done: @escaping (Result<Int64, EventLogError>) -> Void) {
    let index = counts[record.partition.number, default: 0]
    counts[record.partition.number] = index + 1
    completions.append((record.partition.number, index, done))
    keys.append(bytes: record.key)
    headers.append(bytes: record.headers.bytes)
    values.append(bytes: record.value)
    bytes += size
  }

  /// The statements of the append: locks in order, makes room, fills it.
  var calls: [Call] {
    let number = PostgreSQLValue.int16(topic.rawValue)
    let sorted = counts.keys.sorted()
    var parts = PostgreSQLArray(.int32, minimumCapacity: count)
    var distances = PostgreSQLArray(.int64, minimumCapacity: count)
    for (part, index, _) in completions {
      parts.append(part)
      distances.append(counts[part, default: 0] - index)
    }
    var calls: [Call] = []
    if topic.isTransient { calls.append(Call(LogStatements.unhurried)) }
    if sorted.count > 1 { calls.append(Call(LogStatements.lock, number, .int32s(sorted))) }
    calls.append(
      Call(LogStatements.advance, number, .int32s(sorted), .int64s(sorted.map { counts[$0, default: 0] })))
    calls.append(
      Call(
        LogStatements.append, number, .array(parts), .array(distances), .array(keys), .array(headers), .array(values)))
    return calls
  }

  func complete(_ result: Result<[Rows], PostgreSQLError>) {
    var first: [Int32: Int64] = [:]
    var failure: EventLogError?
    do throws(PostgreSQLError) {
      let rows = try result.get()
      for row in rows[rows.count - 2] { first[try row.int32(0)] = try row.int64(1) }
    } catch {
      failure = EventLogError(error)
    }
    for (part, index, done) in completions {
      if let failure {
        done(.failure(failure))
      } else if let first = first[part] {
        done(.success(first + index))
      } else {
        done(.failure(EventLogError(.misconfigured, "\(topic.name) has no partition \(part)")))
      }
    }
  }
}
