import CRdKafka
import EventLog
import Glibc
import Networking

/// The descriptor by which librdkafka wakes a loop when a queue that was empty has something. Lives on its loop.
final class KafkaWakeup {
  private let descriptor: CInt
  private var watch: DescriptorWatch?

  /// Calls `body` on `loop`, the current one, after a queue of ``attach(_:)`` got something.
  init(on loop: EventLoop, _ body: @escaping () -> Void) throws(EventLogError) {
    let descriptor = carillon_kafka_eventfd()
    guard descriptor >= 0 else { throw EventLogError(.unavailable, "kafka: no descriptor left for a wake-up") }
    self.descriptor = descriptor
    watch = loop.watch(descriptor) { _ in
      var count: UInt64 = 0
      _ = read(descriptor, &count, 8)
      body()
    }
  }

  /// Has `queue` wake this loop. What is in it already wakes nobody.
  func attach(_ queue: OpaquePointer) { Self.attach(queue, descriptor) }

  /// What to hand to ``attach(_:_:)`` on another thread.
  var target: CInt { descriptor }

  /// The same from another thread.
  static func attach(_ queue: OpaquePointer, _ descriptor: CInt) {
    var one: UInt64 = 1
    // librdkafka copies the payload: it is what an eventfd takes.
    rd_kafka_queue_io_event_enable(queue, descriptor, &one, 8)
  }

  /// Has `queue` wake nobody; before ``close()`` for every queue attached.
  static func detach(_ queue: OpaquePointer) { rd_kafka_queue_io_event_enable(queue, -1, nil, 0) }

  /// Stops watching.
  func close() {
    guard let watch else { return }
    watch.cancel()
    self.watch = nil
    Glibc.close(descriptor)
  }
}
