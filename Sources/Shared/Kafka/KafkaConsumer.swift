import CRdKafka
import EventLog
import Networking

/// The process's one consuming handle, shared by the readers of all loops.
///
/// Each partition is drained through a queue of its own, by the loop of its reader: nothing passes through a third
/// thread, and a reader that is full stops only its own partitions, since librdkafka bounds what it fetches ahead of
/// each queue. Assignments change incrementally, on the control thread and in order.
final class KafkaConsumer: Sendable {
  let client: KafkaClient
  let settings: KafkaSettings
  private let threads: KafkaThreads

  init(_ settings: KafkaSettings, _ threads: KafkaThreads) throws(EventLogError) {
    self.settings = settings
    self.threads = threads
    client = try KafkaClient(.consumer, settings, threads)
  }

  /// One partition to read.
  struct Start: Sendable {
    var partition: Partition
    var offset: Int64
  }

  /// Stops reading `removed`, begins `added`, and gives for each of these its queue or why not, on the control thread.
  func change(
    removing removed: [Partition], adding added: [Start], waking descriptor: CInt,
    _ done: @escaping @Sendable ([(Partition, Result<KafkaPartitionQueue, EventLogError>)]) -> Void
  ) {
    let accepted = threads.inOrder { [self] in
      unassign(removed)
      done(added.map { ($0.partition, assign($0, descriptor)) })
    }
    if !accepted {
      done(added.map { ($0.partition, .failure(EventLogError(.stopped, "kafka: shut down"))) })
    }
  }

  private func unassign(_ partitions: [Partition]) {
    guard !partitions.isEmpty else { return }
    let list = KafkaPartitionList(partitions.map { ($0, 0) }, settings)
    // Fails only for what is not assigned, which is what is wanted.
    if let error = rd_kafka_incremental_unassign(client.raw, list.raw) { rd_kafka_error_destroy(error) }
    // Whoever reads the partition next has a descriptor of its own; this one may be closed soon.
    for partition in partitions {
      guard let queue = rd_kafka_queue_get_partition(client.raw, settings.name(of: partition.topic), partition.number)
      else { continue }
      KafkaWakeup.detach(queue)
      rd_kafka_queue_destroy(queue)
    }
  }

  private func assign(_ start: Start, _ descriptor: CInt) -> Result<KafkaPartitionQueue, EventLogError> {
    let name = settings.name(of: start.partition.topic)
    guard let raw = rd_kafka_queue_get_partition(client.raw, name, start.partition.number) else {
      return .failure(EventLogError(.misconfigured, "read \(name)/\(start.partition.number): no such partition"))
    }
    let queue = KafkaPartitionQueue(raw, start.partition, of: client)
    // Before the fetch begins: else its first records go to the common queue.
    rd_kafka_queue_forward(raw, nil)
    KafkaWakeup.attach(raw, descriptor)
    let list = KafkaPartitionList([(start.partition, start.offset)], settings)
    if let error = rd_kafka_incremental_assign(client.raw, list.raw) {
      return .failure(EventLogError(error, "read \(name)/\(start.partition.number) from \(start.offset)"))
    }
    return .success(queue)
  }

  /// The oldest offset and the end.
  func bounds(of partition: Partition) async throws(EventLogError) -> (oldest: Int64, end: Int64) {
    try await threads.wait { [client, settings] in
      var low: Int64 = 0
      var high: Int64 = 0
      let name = settings.name(of: partition.topic)
      let error = rd_kafka_query_watermark_offsets(client.raw, name, partition.number, &low, &high, 4000)
      guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
        return .failure(EventLogError(error, "ask for the offsets of \(name)/\(partition.number)"))
      }
      return .success((low, high))
    }
  }

  /// Notes for lag tools how far `partition` is done; nothing depends on it.
  func note(_ partition: Partition, done offset: Int64) {
    threads.inOrder { [client, settings] in
      let list = KafkaPartitionList([(partition, offset)], settings)
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
