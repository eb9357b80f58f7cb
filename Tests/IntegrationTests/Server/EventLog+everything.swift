import EventLog
import Kafka
import Networking
import PostgreSQL

extension EventLog {
  /// All records of a topic, in order within each partition.
  func everything(of topic: Topic, on loop: EventLoop) async throws -> [LogRecord] {
    var records: [LogRecord] = []
    for part in 0..<partitionCount(of: topic) {
      let partition = Partition(topic, part)
      let end = try await end(of: partition)
      var next = try await start(of: partition)
      let kept = try await loop.run { LoopBound(self.reader(on: loop), on: loop) }
      let reader = try await loop.run { kept.value }
      await reader.assign([partition: next])
      while next < end {
        let more = try await reader.next(maximumRecords: 256, maximumBytes: 1 << 20, wait: .seconds(2))
        guard let last = more.last else { break }
        records += more.filter { !$0.isHeartbeat }
        next = last.offset + 1
      }
      await reader.close()
    }
    return records
  }
}

extension TestCluster {
  /// The cluster's log, opened beside its processes; shut it down.
  func openLog() async throws -> any EventLog {
    if log == .postgresql { return try await PostgreSQLLog.open(LaneSettings(connection: connection), on: loop) }
    var settings = KafkaSettings(bootstrapServers: TestKafka.servers)
    settings.prefix = prefix
    settings.replicationFactor = 1
    settings.minimumInSyncReplicas = 1
    settings.allowsFewReplicas = true
    settings.topics[.messages]?.partitions = 4
    settings.topics[.directives]?.partitions = 2
    return try await KafkaLog.connect(settings, on: loop)
  }

  /// The types of all events of a northbound topic, in order.
  func events(_ topic: Topic) async throws -> [String] {
    let log = try await openLog()
    let records = try await log.everything(of: topic, on: loop)
    await log.shutdown()
    return records.map { record in String(decoding: record.headers.first("ce_type") ?? [], as: UTF8.self) }
  }
}
