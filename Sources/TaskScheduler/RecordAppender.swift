import Cryptography
import EventLog
import Networking
import PostgreSQL

/// Appends sets of records and waits for all acknowledgements. One a scheduler, on its loop.
actor RecordAppender {
  private nonisolated let loop: EventLoop
  private nonisolated let log: any EventLog
  private let producer: any LogProducer
  private let lane: Lane
  private var ranges: (known: PartitionRanges, readAt: ContinuousClock.Instant)?

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Call it on the loop of `lane`, which tells the ranges of partitions.
  init(_ log: any EventLog, lane: Lane) {
    loop = lane.loop
    self.log = log
    self.lane = lane
    producer = log.producer(on: lane.loop)
  }

  /// The partition of a key in a topic other than `messages`.
  nonisolated func partition(of key: [UInt8], in topic: Topic) -> Partition {
    Partition(topic, Partitioning.partition(of: key, among: log.partitionCount(of: topic)))
  }

  /// A message of the scheduler's own to the worker of its device; no body.
  func append(_ messages: [CPEMessage]) async throws -> Int {
    let range = try await range()
    let records = messages.map { message in
      let key = Array(message.device.description.utf8)
      return OutgoingRecord(
        partition: Partition(.messages, range.partition(of: key)), key: key, headers: message.headers, value: [])
    }
    let results = await append(records)
    for case .failure(let error) in results { throw error }
    return records.count
  }

  /// The range that workers read: who lags behind the others by some seconds is poured over.
  private func range() async throws -> PartitionRanges.Range {
    if let ranges, loop.now - ranges.readAt < .seconds(10) { return ranges.known.current }
    let found = try await PartitionRanges.read(on: lane)
    if found != ranges?.known { try await log.learnPartitions(of: .messages) }
    ranges = (found, loop.now)
    return found.current
  }

  /// Appends in order, in one turn of the loop.
  /// - Returns: what became of each.
  func append(_ records: [OutgoingRecord]) async -> [Result<Int64, EventLogError>] {
    await producer.append(records)
  }
}
