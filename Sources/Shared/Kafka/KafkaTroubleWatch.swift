import CRdKafka
import EventLog
import Networking

/// Reports what the consuming handle tells of besides records, which pass it by in queues of their own.
actor KafkaTroubleWatch {
  private nonisolated let loop: EventLoop
  private let client: KafkaClient
  private let report: @Sendable (String) -> Void
  private var wakeup: KafkaWakeup?

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(on loop: EventLoop, _ client: KafkaClient, _ report: @escaping @Sendable (String) -> Void) {
    self.loop = loop
    self.client = client
    self.report = report
  }

  func start() throws(EventLogError) {
    let wakeup = try KafkaWakeup(on: loop) { [unowned self] in self.assumeIsolated { $0.drain() } }
    wakeup.attach(client.events)
    self.wakeup = wakeup
    drain()
  }

  func stop() {
    KafkaWakeup.detach(client.events)
    wakeup?.close()
    wakeup = nil
  }

  private func drain() {
    while let event = rd_kafka_queue_poll(client.events, 0) {
      if let line = KafkaTrouble.line(of: event) { report(line) }
      rd_kafka_event_destroy(event)
    }
  }
}
