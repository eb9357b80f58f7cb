import CRdKafka
public import EventLog
public import Networking
import Synchronization

/// The event log on Apache Kafka, over librdkafka (docs/architecture.md, section 7): one producer and one consumer
/// handle a process, shared by its loops. Partitions are read by `assign()` from offsets of our own; who reads what is
/// leased in PostgreSQL, as for the other log.
public final class KafkaLog: EventLog {
  private let settings: KafkaSettings
  private let loop: EventLoop
  private let threads: KafkaThreads
  private let inspector: KafkaInspector
  let home: KafkaProducerHome
  private let consumer: KafkaConsumer
  private let troubles: KafkaTroubleWatch
  private let partitions: Mutex<[Topic: Int32]>
  private let hasBeaten = Atomic(false)

  /// Connects and checks the topics.
  /// - Parameters:
  ///   - settings: where and what.
  ///   - loop: drains delivery reports; best the busiest of the process, whose own appends then cost no post.
  ///   - patience: how long the topics may take to be as they should; what is wrong then is thrown.
  ///   - report: gets a line for each trouble that librdkafka tells of; called on `loop`.
  /// - Throws: ``EventLogError/Kind/misconfigured`` where settings or topics cannot keep the promises,
  ///   ``EventLogError/Kind/unavailable`` where no broker answers.
  public static func connect(
    _ settings: KafkaSettings, on loop: EventLoop, patience: Duration = .seconds(10),
    report: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws(EventLogError) -> KafkaLog {
    try settings.validate()
    let threads = try KafkaThreads()
    do {
      let inspector = try KafkaInspector(settings, threads)
      let partitions = try await inspector.awaitTopics(within: patience)
      let home = KafkaProducerHome(on: loop, settings, threads, report: report)
      try await home.start()
      let consumer = try KafkaConsumer(settings, threads)
      let troubles = KafkaTroubleWatch(on: loop, consumer.client, report)
      try await troubles.start()
      return KafkaLog(settings, loop, threads, inspector, home, consumer, troubles, partitions)
    } catch {
      await threads.shutdown()
      throw error
    }
  }

  private init(
    _ settings: KafkaSettings, _ loop: EventLoop, _ threads: KafkaThreads, _ inspector: KafkaInspector,
    _ home: KafkaProducerHome, _ consumer: KafkaConsumer, _ troubles: KafkaTroubleWatch, _ partitions: [Topic: Int32]
  ) {
    self.settings = settings
    self.loop = loop
    self.threads = threads
    self.inspector = inspector
    self.home = home
    self.consumer = consumer
    self.troubles = troubles
    self.partitions = Mutex(partitions)
  }

  /// As ``EventLog/partitionCount(of:)`` says; read from the brokers at ``connect(_:on:patience:report:)``.
  public func partitionCount(of topic: Topic) -> Int32 { partitions.withLock { $0[topic] ?? 0 } }

  /// As ``EventLog/learnPartitions(of:)`` says: each handle has a picture of its own, in which a partition that it has
  /// not seen cannot be written or read.
  public func learnPartitions(of topic: Topic) async throws(EventLogError) {
    let clients = [home.handle, consumer.client].compactMap { $0 }
    let count = try await threads.wait { [settings] in
      Result { () throws(EventLogError) in
        var count = 0
        for client in clients { count = try KafkaTopicState(of: topic, client, settings).partitions.count }
        return count
      }
    }
    partitions.withLock { $0[topic] = Int32(count) }
  }

  /// As ``EventLog/producer(on:)`` says.
  public func producer(on loop: EventLoop) -> any LogProducer { home.producer(on: loop) }

  /// As ``EventLog/reader(on:)`` says.
  public func reader(on loop: EventLoop) -> any LogReader { KafkaReader(on: loop, consumer) }

  /// As ``EventLog/end(of:)`` says.
  public func end(of partition: Partition) async throws(EventLogError) -> Int64 {
    try await consumer.end(of: partition)
  }

  /// As ``EventLog/start(of:)`` says.
  public func start(of partition: Partition) async throws(EventLogError) -> Int64 {
    try await consumer.bounds(of: partition).oldest
  }

  /// As ``EventLog/note(done:)`` says: as the committed offsets of ``KafkaSettings/group``.
  public func note(done offsets: [Partition: Int64]) { consumer.note(done: offsets) }

  /// As ``EventLog/probe(written:read:)`` says: leaders and replicas in sync for all, the first time one acknowledged
  /// heartbeat on `messages`, the end of a partition of each that is read.
  public func probe(written: [Topic], read: [Topic]) async throws(EventLogError) {
    _ = try await inspector.check(written + read)
    // Once: it shows that a cold producer has warmed up, and an idle partition should not fill with heartbeats.
    if written.contains(.messages), !hasBeaten.load(ordering: .relaxed) {
      try await heartbeat()
      hasBeaten.store(true, ordering: .relaxed)
    }
    for topic in read { _ = try await consumer.end(of: Partition(topic, 0)) }
  }

  /// Flushes for up to 5 s, fails what still waits, frees the handles.
  public func shutdown() async {
    await home.shutdown(patience: .seconds(5))
    await troubles.stop()
    await threads.shutdown()
  }

  private func heartbeat() async throws(EventLogError) {
    let result: Result<Int64, EventLogError> = await withCheckedContinuation { continuation in
      let accepted = loop.post { [home, loop] in
        var headers = RecordHeaders()
        headers.append(LogRecord.heartbeatHeader, CollectionOfOne(1))
        let record = OutgoingRecord(partition: Partition(.messages, 0), key: [], headers: headers, value: [])
        home.producer(on: loop).append(record) { continuation.resume(returning: $0) }
      }
      if !accepted { continuation.resume(returning: .failure(EventLogError(.stopped, "kafka: its loop has ended"))) }
    }
    _ = try result.get()
  }
}
