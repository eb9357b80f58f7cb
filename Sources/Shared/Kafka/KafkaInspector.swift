import CRdKafka
import EventLog

/// Looks whether the topics are as promise P1 needs them.
final class KafkaInspector: Sendable {
  private let client: KafkaClient
  private let settings: KafkaSettings
  private let threads: KafkaThreads

  init(_ settings: KafkaSettings, _ threads: KafkaThreads) throws(EventLogError) {
    self.settings = settings
    self.threads = threads
    client = try KafkaClient(.administrator, settings, threads)
  }

  /// Waits until all topics are as promise P1 needs them: of a topic that was just made, or while it starts, a broker
  /// knows only a moment after the others.
  /// - Returns: how many partitions each has.
  /// - Throws: what was wrong last, once `patience` has passed.
  func awaitTopics(within patience: Duration) async throws(EventLogError) -> [Topic: Int32] {
    let deadline = ContinuousClock.now + patience
    while true {
      do {
        let partitions = try await check(Topic.allCases)
        try await checkDurability(Topic.allCases)
        return partitions
      } catch {
        guard ContinuousClock.now < deadline, error.kind != .stopped else { throw error }
        try await threads.wait { [client] in
          client.pause(milliseconds: 100)
          return .success(())
        }
      }
    }
  }

  /// Whether each partition of `topics` has a leader and enough replicas in sync.
  /// - Returns: how many partitions each has.
  func check(_ topics: [Topic]) async throws(EventLogError) -> [Topic: Int32] {
    try await threads.wait { [client, settings] in
      Result { () throws(EventLogError) in
        var counts: [Topic: Int32] = [:]
        for topic in Set(topics).sorted(by: { $0.rawValue < $1.rawValue }) {
          counts[topic] = try KafkaTopicState(of: topic, client, settings).check(against: settings)
        }
        return counts
      }
    }
  }

  /// Whether the brokers, too, will not acknowledge what too few of them have.
  func checkDurability(_ topics: [Topic]) async throws(EventLogError) {
    try await threads.wait { [client, settings] in
      Result { () throws(EventLogError) in
        let admin = KafkaAdmin(client)
        for topic in topics {
          let name = settings.name(of: topic)
          let value = try admin.configuration(of: name).first { $0.name == "min.insync.replicas" }?.value
          guard let value, let found = Int(value), found >= settings.minimumInSync(of: topic) else {
            throw EventLogError(
              .misconfigured,
              "topic \(name): min.insync.replicas is \(value ?? "unknown"), wanted "
                + "\(settings.minimumInSync(of: topic)); run carillon migrate")
          }
        }
      }
    }
  }
}

/// A topic as the brokers describe it.
struct KafkaTopicState {
  struct PartitionState {
    var number: Int32
    var leader: Int32
    var replicas: Int
    var inSync: Int
  }

  let topic: Topic
  let name: String
  let partitions: [PartitionState]

  /// Asks the brokers; blocks for up to so many milliseconds.
  /// - Throws: ``EventLogError/Kind/misconfigured`` where there is no such topic.
  init(
    of topic: Topic, _ client: KafkaClient, _ settings: KafkaSettings, milliseconds: Int32 = 4000
  ) throws(EventLogError) {
    self.topic = topic
    let name = settings.name(of: topic)
    self.name = name
    let handle = rd_kafka_topic_new(client.raw, name, nil)
    defer { if let handle { rd_kafka_topic_destroy(handle) } }
    var metadata: UnsafePointer<rd_kafka_metadata>?
    let error = rd_kafka_metadata(client.raw, 0, handle, &metadata, milliseconds)
    guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
      throw EventLogError(error, "look at topic \(name) (brokers \(settings.bootstrapServers.joined(separator: ",")))")
    }
    defer { rd_kafka_metadata_destroy(metadata) }
    guard metadata.pointee.topic_cnt == 1, let found = metadata.pointee.topics?[0] else {
      throw EventLogError(.unavailable, "look at topic \(name): no answer")
    }
    guard found.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw EventLogError(found.err, "topic \(name) (made by carillon migrate)")
    }
    partitions = (0..<Int(found.partition_cnt)).compactMap { index in
      guard let partition = found.partitions?[index] else { return nil }
      return PartitionState(
        number: partition.id, leader: partition.leader, replicas: Int(partition.replica_cnt),
        inSync: Int(partition.isr_cnt))
    }
  }

  /// Whether every partition has one.
  var hasLeaders: Bool { !partitions.isEmpty && partitions.allSatisfy { $0.leader >= 0 } }

  private func otherCount(_ wanted: Int32) -> EventLogError {
    EventLogError(
      .misconfigured,
      "topic \(name) has \(partitions.count) partitions and should have \(wanted): the count of a topic in use does "
        + "not change, but that `carillon migrate --partitions` adds to those of messages")
  }

  /// What the database knows of nobody would read: it was restored from a backup of before more were added.
  func refuseMore(than known: Int32) throws(EventLogError) {
    guard partitions.count > Int(known) else { return }
    throw EventLogError(
      .misconfigured,
      "topic \(name) has \(partitions.count) partitions and the database knows \(known): if it was restored from a "
        + "backup of before more were added, `carillon migrate --restored` finds them")
  }

  /// - Returns: how many partitions there are.
  func check(against settings: KafkaSettings) throws(EventLogError) -> Int32 {
    let wanted = settings.topics[topic]?.partitions ?? 0
    let isOurs = topic != .deviceEvents && topic != .taskEvents
    // Of messages there may be more than the configuration says: ranges that were added.
    if isOurs, topic == .messages ? partitions.count < Int(wanted) : partitions.count != Int(wanted) {
      throw otherCount(wanted)
    }
    for partition in partitions {
      if partition.replicas < settings.replicationFactor, !settings.allowsFewReplicas {
        throw EventLogError(
          .misconfigured,
          "topic \(name)/\(partition.number) has \(partition.replicas) replicas, wanted "
            + "\(settings.replicationFactor): reassign its partitions")
      }
      guard partition.leader >= 0, partition.inSync >= settings.minimumInSync(of: topic) else {
        throw EventLogError(
          .unavailable,
          "topic \(name)/\(partition.number) has "
            + (partition.leader < 0 ? "no leader" : "\(partition.inSync) replicas in sync"))
      }
    }
    return Int32(partitions.count)
  }
}
