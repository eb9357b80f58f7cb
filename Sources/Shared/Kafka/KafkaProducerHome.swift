import CRdKafka
import EventLog
import Networking
import Synchronization

/// The process's one producing handle: drained on one loop, used by the producers of all.
///
/// A fatal error of the idempotent producer (a sequence that brokers and librdkafka disagree on) leaves a handle that
/// can do nothing more. Then it is purged, what it still reports is taken, and a new one gets all that was not
/// acknowledged: at least once, in each partition's order.
actor KafkaProducerHome {
  /// The producers and the handle that a new one starts with. Behind a lock: producers are made on their own loops.
  private struct Registry {
    var producers: [KafkaProducer] = []
    var client: KafkaClient?
  }

  nonisolated let loop: EventLoop
  private nonisolated let registry = Mutex(Registry())
  private let settings: KafkaSettings
  private let threads: KafkaThreads
  private let report: @Sendable (String) -> Void
  private var client: KafkaClient?
  private var wakeup: KafkaWakeup?
  private var isReplacing = false
  private var isStopping = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// - Parameter report: gets one line for each trouble that librdkafka tells of.
  init(
    on loop: EventLoop, _ settings: KafkaSettings, _ threads: KafkaThreads, report: @escaping @Sendable (String) -> Void
  ) {
    self.loop = loop
    self.settings = settings
    self.threads = threads
    self.report = report
  }

  /// Makes the handle and begins to drain it.
  func start() throws(EventLogError) {
    let wakeup = try KafkaWakeup(on: loop) { [unowned self] in self.assumeIsolated { $0.drain() } }
    self.wakeup = wakeup
    install(try KafkaClient(.producer, settings, threads))
  }

  /// The producer of `loop`, the current one; the same one each time.
  nonisolated func producer(on loop: EventLoop) -> KafkaProducer {
    registry.withLock { registry in
      if let known = registry.producers.first(where: { $0.loop === loop }) { return known }
      let producer = KafkaProducer(loop: loop, index: registry.producers.count, client: registry.client)
      registry.producers.append(producer)
      return producer
    }
  }

  /// The handle that appends go to now.
  nonisolated var handle: KafkaClient? { registry.withLock { $0.client } }

  /// Waits a while for what was appended, then lets go of everything.
  func shutdown(patience: Duration) async {
    isStopping = true
    if let client {
      let milliseconds = Int32(clamping: patience.wholeMilliseconds)
      // Needs this loop to drain the reports meanwhile.
      _ = try? await threads.wait { .success(rd_kafka_flush(client.raw, milliseconds)) }
      drain()
      KafkaWakeup.detach(client.events)
    }
    let producers = registry.withLock { registry in
      registry.client = nil
      return registry.producers
    }
    for producer in producers { deliver(to: producer) { $0.stop() } }
    wakeup?.close()
    client = nil
  }

  // MARK: - Draining

  private func drain() {
    guard let client else { return }
    var reports: [Int: [KafkaProducer.Report]] = [:]
    while let event = rd_kafka_queue_poll(client.events, 0) {
      take(event, &reports)
      rd_kafka_event_destroy(event)
    }
    hand(out: reports)
    if client.fatalError != nil, !isStopping { replaceWhenEmpty(client) }
  }

  private func take(_ event: OpaquePointer, _ reports: inout [Int: [KafkaProducer.Report]]) {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_DR:
      while let message = rd_kafka_event_message_next(event) {
        let opaque = KafkaOpaque(bits: UInt(bitPattern: message.pointee._private))
        let error = message.pointee.err
        if error != RD_KAFKA_RESP_ERR_NO_ERROR, client?.fatalError != nil, !isFinal(error), !isStopping { continue }
        reports[opaque.producer, default: []].append(
          KafkaProducer.Report(slot: opaque.slot, offset: message.pointee.offset, error: error))
      }
    case RD_KAFKA_EVENT_LOG, RD_KAFKA_EVENT_ERROR: if let line = KafkaTrouble.line(of: event) { report(line) }
    default: break
    }
  }

  /// Whether a new handle could not do better with the record.
  private func isFinal(_ error: rd_kafka_resp_err_t) -> Bool {
    error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_RECORD
      || error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT
  }

  private func hand(out reports: [Int: [KafkaProducer.Report]]) {
    guard !reports.isEmpty else { return }
    let producers = registry.withLock { $0.producers }
    for (index, reports) in reports where index < producers.count {
      deliver(to: producers[index]) { $0.complete(reports) }
    }
  }

  /// On this loop at once, on another by one post.
  private func deliver(to producer: KafkaProducer, _ work: @escaping @Sendable (KafkaProducer) -> Void) {
    if producer.loop === loop {
      work(producer)
    } else {
      producer.loop.post { work(producer) }
    }
  }

  // MARK: - After a fatal error

  private func replaceWhenEmpty(_ old: KafkaClient) {
    if !isReplacing {
      isReplacing = true
      report("kafka: the producer failed for good and is replaced: \(old.fatalError ?? "")")
      rd_kafka_purge(
        old.raw, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
    }
    guard rd_kafka_outq_len(old.raw) == 0 else {
      // The purge reports its records through the queue; the last of them may be counted until after its event.
      loop.schedule(after: .milliseconds(20)) { [weak self] in self?.assumeIsolated { $0.drain() } }
      return
    }
    KafkaWakeup.detach(old.events)
    client = nil
    makeNew()
  }

  private func makeNew() {
    threads.patiently { [self, settings, threads] in
      let made = Result { () throws(EventLogError) in try KafkaClient(.producer, settings, threads) }
      loop.post { self.assumeIsolated { $0.took(made) } }
    }
  }

  private func took(_ made: Result<KafkaClient, EventLogError>) {
    guard !isStopping else { return }
    switch made {
    case .success(let client):
      isReplacing = false
      install(client)
    case .failure(let error):
      report("kafka: no new producer yet: \(error)")
      loop.schedule(after: .seconds(1)) { [weak self] in self?.assumeIsolated { $0.makeNew() } }
    }
  }

  private func install(_ client: KafkaClient) {
    self.client = client
    wakeup?.attach(client.events)
    let producers = registry.withLock { registry in
      registry.client = client
      return registry.producers
    }
    for producer in producers { deliver(to: producer) { $0.resume(with: client) } }
    drain()
  }

  /// The handle, for asking after topics; nil while it is being replaced.
  var present: KafkaClient? { client }
}
