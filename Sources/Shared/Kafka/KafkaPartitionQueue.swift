import CRdKafka
import EventLog

/// What librdkafka has fetched of one partition.
///
/// `@unchecked Sendable`, because: its properties never change, and librdkafka's queues may be used from any thread.
final class KafkaPartitionQueue: @unchecked Sendable {
  /// A record, or why there will be none.
  enum Item {
    case record(LogRecord)
    /// The offset asked for is not there.
    case outOfRange
    case failure(EventLogError)
  }

  private let raw: OpaquePointer
  private let partition: Partition
  /// Must outlive the queue.
  private let client: KafkaClient

  /// Takes over a reference to a queue.
  init(_ raw: OpaquePointer, _ partition: Partition, of client: KafkaClient) {
    self.raw = raw
    self.client = client
    self.partition = partition
  }

  deinit { rd_kafka_queue_destroy(raw) }

  /// Up to `count` items, without waiting. Fewer: the queue is empty and will wake its reader.
  func take(_ count: Int) -> [Item] {
    withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<rd_kafka_message_t>?.self, capacity: count) { messages in
      let taken = rd_kafka_consume_batch_queue(raw, 0, messages.baseAddress, count)
      guard taken > 0 else { return [] }
      var items: [Item] = []
      items.reserveCapacity(taken)
      for message in messages.prefix(taken) {
        guard let message else { continue }
        if let item = item(message) { items.append(item) }
        rd_kafka_message_destroy(message)
      }
      return items
    }
  }

  private func item(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> Item? {
    switch message.pointee.err {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return record(message)
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: return .outOfRange
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return .failure(EventLogError(message.pointee.err, "read \(partition.topic.name)/\(partition.number)"))
    default: return nil  // librdkafka goes on by itself.
    }
  }

  private func record(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> Item {
    .record(
      LogRecord(
        partition: partition, offset: message.pointee.offset,
        timestamp: max(rd_kafka_message_timestamp(message, nil), 0) * 1000,
        key: [UInt8](message.pointee.key, message.pointee.key_len), headers: RecordHeaders(native: message),
        value: [UInt8](message.pointee.payload, message.pointee.len)))
  }
}
