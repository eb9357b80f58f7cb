public import EventLog

/// Makes the topics as section 7 has them: `carillon migrate` on a Kafka log.
public enum KafkaTopics {
  /// Makes the topics that are missing and sets the limits of those that are there; what an operator set besides is kept.
  /// - Returns: one line for each topic that was made or changed.
  /// - Throws: ``EventLogError``; ``EventLogError/Kind/misconfigured`` where a topic has another number of partitions.
  public static func migrate(_ settings: KafkaSettings) async throws(EventLogError) -> [String] {
    try settings.validate()
    return try await run(settings) { (client) throws(EventLogError) in
      let admin = KafkaAdmin(client)
      var done: [String] = []
      for topic in Topic.allCases {
        let name = settings.name(of: topic)
        if try admin.create(newTopic(topic, settings)) {
          done.append("made topic \(name) with \(settings.topics[topic]?.partitions ?? 0) partitions")
        } else if try merge(topic, settings, admin) {
          done.append("configured topic \(name)")
        }
      }
      return done
    }
  }

  /// Removes every topic of these settings with its records: for tests, which use a prefix of their own.
  static func remove(_ settings: KafkaSettings) async throws(EventLogError) {
    try await run(settings) { (client) throws(EventLogError) in
      for topic in Topic.allCases { try KafkaAdmin(client).delete(settings.name(of: topic)) }
    }
  }

  /// Removes the records of a partition before `offset`: for tests.
  static func deleteRecords(
    _ partition: Partition, before offset: Int64, _ settings: KafkaSettings
  ) async throws(EventLogError) {
    try await run(settings) { (client) throws(EventLogError) in
      try KafkaAdmin(client).deleteRecords(of: settings.name(of: partition.topic), partition.number, before: offset)
    }
  }

  /// What a topic's configuration must say.
  static func configuration(of topic: Topic, _ settings: KafkaSettings) -> [(name: String, value: String)] {
    let retention = settings.topics[topic]?.retention ?? .seconds(7 * 86_400)
    var entries = [
      ("cleanup.policy", "delete"),
      ("compression.type", "producer"),
      ("max.message.bytes", String(16 * 1024 * 1024)),
      ("message.timestamp.type", "LogAppendTime"),
      ("min.insync.replicas", String(settings.minimumInSync(of: topic))),
      ("retention.ms", String(retention.wholeMilliseconds)),
    ]
    // Only whole segments are dropped: a short retention needs short segments.
    if retention < .seconds(86_400) {
      entries.append(("segment.bytes", String(64 * 1024 * 1024)))
      entries.append(("segment.ms", String(max(retention.wholeMilliseconds / 2, 60_000))))
    }
    return entries
  }

  private static func newTopic(_ topic: Topic, _ settings: KafkaSettings) -> KafkaAdmin.NewTopic {
    KafkaAdmin.NewTopic(
      name: settings.name(of: topic), partitions: settings.topics[topic]?.partitions ?? 1,
      replicas: Int32(settings.replicationFactor), configuration: configuration(of: topic, settings))
  }

  /// Read, merge, write: `AlterConfigs` replaces the whole set.
  private static func merge(_ topic: Topic, _ settings: KafkaSettings, _ admin: KafkaAdmin) throws(EventLogError) -> Bool {
    let name = settings.name(of: topic)
    let present = try admin.configuration(of: name)
    let wanted = configuration(of: topic, settings)
    let differs = wanted.contains { entry in present.first { $0.name == entry.name }?.value != entry.value }
    guard differs else { return false }
    let kept = present.filter { entry in entry.isSet && !wanted.contains { $0.name == entry.name } }
    try admin.replaceConfiguration(
      of: name, wanted + kept.compactMap { entry in entry.value.map { (name: entry.name, value: $0) } })
    return true
  }

  private static func run<Success: Sendable>(
    _ settings: KafkaSettings, _ work: @escaping @Sendable (KafkaClient) throws(EventLogError) -> Success
  ) async throws(EventLogError) -> Success {
    let threads = try KafkaThreads()
    let result: Result<Success, EventLogError>
    do {
      // Made and let go on the thread that waits: freeing it joins librdkafka's own.
      let success = try await threads.wait {
        Result { () throws(EventLogError) in try work(KafkaClient(.administrator, settings, threads)) }
      }
      result = .success(success)
    } catch {
      result = .failure(error)
    }
    await threads.shutdown()
    return try result.get()
  }
}
