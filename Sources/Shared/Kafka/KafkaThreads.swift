import CRdKafka
import EventLog
import Networking

/// Two threads for librdkafka's blocking calls, so that none ever runs on a loop that others need: `control` for what
/// is short and must keep its order (assignments), `patient` for what waits for brokers (metadata, offsets, flush,
/// destroy).
final class KafkaThreads: Sendable {
  private let control: EventLoop
  private let patient: EventLoop

  init() throws(EventLogError) {
    do {
      control = try EventLoop(name: "kafka-control")
      patient = try EventLoop(name: "kafka-patient")
    } catch {
      throw EventLogError(.unavailable, "kafka: \(error)")
    }
  }

  /// Runs `work` after what was handed over before. False once shut down.
  @discardableResult
  func inOrder(_ work: @escaping @Sendable () -> Void) -> Bool { control.post(work) }

  /// Runs `work` where it may wait for a broker. It bounds its own time.
  @discardableResult
  func patiently(_ work: @escaping @Sendable () -> Void) -> Bool { patient.post(work) }

  /// Runs `work` where it may wait for a broker, and gives its result. It bounds its own time.
  func wait<Success: Sendable>(
    _ work: @escaping @Sendable () -> Result<Success, EventLogError>
  ) async throws(EventLogError) -> Success {
    let result: Result<Success, EventLogError> = await withCheckedContinuation { continuation in
      let accepted = patient.post { continuation.resume(returning: work()) }
      if !accepted { continuation.resume(returning: .failure(EventLogError(.stopped, "kafka: shut down"))) }
    }
    return try result.get()
  }

  /// Frees a handle that nobody uses any more. Without closing a consumer: there is no group to leave.
  func destroy(_ handle: UInt) {
    let work: @Sendable () -> Void = {
      guard let raw = OpaquePointer(bitPattern: handle) else { return }
      rd_kafka_destroy_flags(raw, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
    }
    if !patient.post(work) { work() }
  }

  /// Ends both threads after what they were given.
  func shutdown() async {
    await control.shutdown()
    await patient.shutdown()
  }
}
