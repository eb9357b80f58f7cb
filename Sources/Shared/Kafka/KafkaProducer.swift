import CRdKafka
import EventLog
import Networking

/// One loop's appends. The records go straight from here into the process's shared handle, which is thread-safe; what
/// became of them comes back in one post a turn (``KafkaProducerHome``).
///
/// `@unchecked Sendable`, because: `loop` and `index` never change, and everything else is touched on `loop` only,
/// which each entry checks.
final class KafkaProducer: LogProducer, @unchecked Sendable {
  /// What became of one record.
  struct Report: Sendable {
    var slot: UInt64
    var offset: Int64
    var error: rd_kafka_resp_err_t
  }

  private struct Pending {
    var record: OutgoingRecord
    var completion: (Result<Int64, EventLogError>) -> Void
  }

  /// How many records may wait while there is no handle; librdkafka's own queue is bounded alike.
  private static let maximumPending = 100_000

  let loop: EventLoop
  /// This producer among the home's, in the upper bits of each record's opaque value.
  let index: Int
  private var client: KafkaClient?
  private var pending: [UInt64: Pending] = [:]
  private var lastSlot: UInt64 = 0
  private var stopped = false

  init(loop: EventLoop, index: Int, client: KafkaClient?) {
    self.loop = loop
    self.index = index
    self.client = client
    stopped = client == nil
  }

  func append(_ record: OutgoingRecord, _ completion: @escaping (Result<Int64, EventLogError>) -> Void) {
    precondition(loop.isCurrent, "a log producer is only to be used on its own loop")
    lastSlot += 1
    pending[lastSlot] = Pending(record: record, completion: completion)
    if stopped {
      failLater(lastSlot, EventLogError(.stopped, "kafka: shut down"))
    } else if record.value.count > EventLogLimits.maximumRecordBytes {
      failLater(
        lastSlot,
        EventLogError(.tooLarge, "kafka: record of \(record.value.count) bytes for \(record.partition.topic.name)"))
    } else if pending.count > Self.maximumPending {
      failLater(lastSlot, EventLogError(.full, "kafka: \(pending.count) records wait"))
    } else {
      produce(lastSlot, record)
    }
  }

  private func produce(_ slot: UInt64, _ record: OutgoingRecord) {
    guard let client else { return }
    let error = client.produce(record, opaque: KafkaOpaque(producer: index, slot: slot).bits)
    // After a fatal error the record waits for the next handle.
    guard error != RD_KAFKA_RESP_ERR_NO_ERROR, error != RD_KAFKA_RESP_ERR__FATAL else { return }
    failLater(slot, EventLogError(error, "append to \(record.partition.topic.name)/\(record.partition.number)"))
  }

  /// A completion never runs inside the call that it belongs to.
  private func failLater(_ slot: UInt64, _ error: EventLogError) {
    loop.post { [self] in pending.removeValue(forKey: slot)?.completion(.failure(error)) }
  }

  // MARK: - From the home, on this producer's loop

  /// Completes the records reported.
  func complete(_ reports: [Report]) {
    precondition(loop.isCurrent)
    for report in reports {
      guard let entry = pending.removeValue(forKey: report.slot) else { continue }
      if report.error == RD_KAFKA_RESP_ERR_NO_ERROR {
        entry.completion(.success(report.offset))
      } else {
        let partition = entry.record.partition
        entry.completion(
          .failure(EventLogError(report.error, "append to \(partition.topic.name)/\(partition.number)")))
      }
    }
  }

  /// Goes on with a new handle: whatever the old one did not acknowledge is produced again, in order.
  func resume(with client: KafkaClient) {
    precondition(loop.isCurrent)
    self.client = client
    for slot in pending.keys.sorted() { if let record = pending[slot]?.record { produce(slot, record) } }
  }

  /// Lets go of the handle and fails what still waits.
  func stop() {
    precondition(loop.isCurrent)
    client = nil
    stopped = true
    let waiting = pending.sorted { $0.key < $1.key }
    pending = [:]
    for (_, entry) in waiting { entry.completion(.failure(EventLogError(.stopped, "kafka: shut down"))) }
  }
}

/// What travels with a record through librdkafka: the producer in the upper 16 bits, its slot in the lower 48.
struct KafkaOpaque {
  var producer: Int
  var slot: UInt64

  init(producer: Int, slot: UInt64) {
    self.producer = producer
    self.slot = slot
  }

  init(bits: UInt) {
    producer = Int(bits >> 48)
    slot = UInt64(bits) & 0xffff_ffff_ffff
  }

  var bits: UInt { UInt(producer) << 48 | UInt(slot & 0xffff_ffff_ffff) }
}
