import CRdKafka
import EventLog
import Networking
import Synchronization

/// The process's one consuming handle, shared by the readers of all loops.
///
/// Each partition is drained through a queue of its own, by the loop of its reader: nothing passes through a third
/// thread, and a reader that is full stops only its own partitions, since librdkafka bounds what it fetches ahead of
/// each queue. Assignments change incrementally, on the control thread and in order. A partition has one reader at a
/// time: claims move between the shards of a process sooner than their readers hear of it, so who comes too early waits
/// until the other has left.
final class KafkaConsumer: Sendable {
  /// Tells the readers apart.
  typealias ReaderID = Int

  let client: KafkaClient
  let settings: KafkaSettings
  private let threads: KafkaThreads
  private let readers = Atomic(0)
  private let places = Mutex<[Partition: Place]>([:])

  init(_ settings: KafkaSettings, _ threads: KafkaThreads) throws(EventLogError) {
    self.settings = settings
    self.threads = threads
    client = try KafkaClient(.consumer, settings, threads)
  }

  /// One partition to read.
  struct Start: Sendable {
    var partition: Partition
    var offset: Int64
    /// What the queue writes to when it has something.
    var descriptor: CInt
    /// Gets the queue, or why there is none, on the control thread; not called where the reader leaves before.
    var begun: @Sendable (Result<KafkaPartitionQueue, EventLogError>) -> Void
  }

  /// Who reads a partition, and who waits to.
  private struct Place {
    var reader: ReaderID?
    var waiting: (reader: ReaderID, start: Start)?
  }

  /// A name for one more reader.
  func newReader() -> ReaderID { readers.wrappingAdd(1, ordering: .relaxed).newValue }

  /// Ends a reader's reading of `removed` and begins that of `added`; calls `done` when that is done or stands in line.
  func change(
    of reader: ReaderID, removing removed: [Partition], adding added: [Start], _ done: @escaping @Sendable () -> Void
  ) {
    let accepted = threads.inOrder { [self] in
      for partition in removed { leave(partition, reader) }
      for start in added { enter(start, reader) }
      done()
    }
    if !accepted {
      for start in added { start.begun(.failure(EventLogError(.stopped, "kafka: shut down"))) }
      done()
    }
  }

  private func leave(_ partition: Partition, _ reader: ReaderID) {
    let (wasReading, next) = places.withLock { places in
      if places[partition]?.waiting?.reader == reader { places[partition]?.waiting = nil }
      guard let place = places[partition], place.reader == reader else { return (false, nil as Place?) }
      places[partition] = nil
      return (true, place)
    }
    guard wasReading else { return }
    unassign(partition)
    if let waiting = next?.waiting { enter(waiting.start, waiting.reader) }
  }

  private func enter(_ start: Start, _ reader: ReaderID) {
    let isFree = places.withLock { places in
      if places[start.partition]?.reader == nil {
        places[start.partition] = Place(reader: reader)
        return true
      }
      places[start.partition]?.waiting = (reader, start)
      return false
    }
    guard isFree else { return }
    let result = assign(start)
    if case .failure = result { places.withLock { $0[start.partition] = nil } }
    start.begun(result)
  }

  private func unassign(_ partition: Partition) {
    // One by one: of a list in which one is not assigned librdkafka takes none.
    let list = KafkaPartitionList([(partition, 0)], settings)
    if let error = rd_kafka_incremental_unassign(client.raw, list.raw) { rd_kafka_error_destroy(error) }
    // Whoever reads the partition next has a descriptor of its own; this one may be closed soon.
    guard let queue = rd_kafka_queue_get_partition(client.raw, settings.name(of: partition.topic), partition.number)
    else { return }
    KafkaWakeup.detach(queue)
    rd_kafka_queue_destroy(queue)
  }

  private func assign(_ start: Start) -> Result<KafkaPartitionQueue, EventLogError> {
    let name = settings.name(of: start.partition.topic)
    guard let raw = rd_kafka_queue_get_partition(client.raw, name, start.partition.number) else {
      return .failure(EventLogError(.misconfigured, "read \(name)/\(start.partition.number): no such partition"))
    }
    let queue = KafkaPartitionQueue(raw, start.partition, of: client)
    // Before the fetch begins: else its first records go to the common queue.
    rd_kafka_queue_forward(raw, nil)
    KafkaWakeup.attach(raw, start.descriptor)
    let list = KafkaPartitionList([(start.partition, start.offset)], settings)
    if let error = rd_kafka_incremental_assign(client.raw, list.raw) {
      return .failure(EventLogError(error, "read \(name)/\(start.partition.number) from \(start.offset)"))
    }
    return .success(queue)
  }

  /// The oldest offset and the end.
  func bounds(of partition: Partition) async throws(EventLogError) -> (oldest: Int64, end: Int64) {
    (try await offset(of: partition, at: -2), try await offset(of: partition, at: -1))
  }

  /// The offset of the next record.
  func end(of partition: Partition) async throws(EventLogError) -> Int64 { try await offset(of: partition, at: -1) }

  /// Asks by the times that stand for the oldest (-2) and the end (-1) in the protocol, ListOffsets: librdkafka's own
  /// query of both disregards its timeout while a broker is away (before 2.3.0, its issue 2588). This one does not look
  /// for a new leader by itself: a partition that nobody reads here may have had another for long.
  private func offset(of partition: Partition, at time: Int64) async throws(EventLogError) -> Int64 {
    try await threads.wait { [client, settings] in
      var failed = RD_KAFKA_RESP_ERR_NO_ERROR
      for isAgain in [false, true] {
        if isAgain { _ = try? KafkaTopicState(of: partition.topic, client, settings, milliseconds: 2000) }
        let list = KafkaPartitionList([(partition, time)], settings)
        let error = rd_kafka_offsets_for_times(client.raw, list.raw, 2500)
        let found = list.raw?.pointee.elems?.pointee
        failed = error == RD_KAFKA_RESP_ERR_NO_ERROR ? found?.err ?? error : error
        if failed == RD_KAFKA_RESP_ERR_NO_ERROR, let found, found.offset >= 0 { return .success(found.offset) }
      }
      let name = "\(settings.name(of: partition.topic))/\(partition.number)"
      return .failure(EventLogError(failed, "ask for the offsets of \(name)"))
    }
  }

  /// Commits the offsets under the group's name; nobody reads them back but lag tools.
  func note(done offsets: [Partition: Int64]) {
    guard !offsets.isEmpty else { return }
    threads.inOrder { [client, settings] in
      let list = KafkaPartitionList(offsets.map { ($0.key, $0.value) }, settings)
      _ = rd_kafka_commit(client.raw, list.raw, 1)
    }
  }
}

/// A list of partitions with offsets as librdkafka wants it.
struct KafkaPartitionList: ~Copyable {
  let raw: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?

  init(_ partitions: [(Partition, Int64)], _ settings: KafkaSettings) {
    raw = rd_kafka_topic_partition_list_new(Int32(partitions.count))
    for (partition, offset) in partitions {
      rd_kafka_topic_partition_list_add(raw, settings.name(of: partition.topic), partition.number)?.pointee.offset =
        offset
    }
  }

  deinit { if let raw { rd_kafka_topic_partition_list_destroy(raw) } }
}
