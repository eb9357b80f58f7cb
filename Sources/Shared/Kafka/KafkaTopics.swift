public import EventLog

/// Makes the topics as section 7 has them: `carillon migrate` on a Kafka log.
public enum KafkaTopics {
  /// Makes the topics that are missing and sets the limits of those that are there; what an operator set besides is
  /// kept.
  /// - Parameter mayGrow: whether `messages` may be given partitions that it lacks.
  /// - Returns: one line for each topic that was made or changed.
  /// - Throws: ``EventLogError``; ``EventLogError/Kind/misconfigured`` where a topic has another number of partitions.
  public static func migrate(
    _ settings: KafkaSettings, mayGrow: Bool = false
  ) async throws(EventLogError) -> [String] {
    try settings.validate()
    return try await run(settings) { (client) throws(EventLogError) in
      let admin = KafkaAdmin(client)
      var done: [String] = []
      for topic in Topic.allCases {
        let name = settings.name(of: topic)
        if try admin.create(newTopic(topic, settings)) {
          done.append("made topic \(name) with \(settings.topics[topic]?.partitions ?? 0) partitions")
        } else if topic == .messages, mayGrow, try grow(topic, settings, admin, client) {
          done.append("topic \(name) has \(settings.topics[topic]?.partitions ?? 0) partitions now")
        } else if try merge(topic, settings, admin, client) {
          done.append("configured topic \(name)")
        }
      }
      for topic in Topic.allCases {
        let state = try awaitLeaders(of: topic, client, settings)
        if topic == .messages { try state.refuseMore(than: settings.topics[topic]?.partitions ?? 0) }
      }
      return done
    }
  }

  /// How many partitions a topic has.
  public static func partitions(of topic: Topic, _ settings: KafkaSettings) async throws(EventLogError) -> Int32 {
    try await run(settings) { (client) throws(EventLogError) in
      Int32(try KafkaTopicState(of: topic, client, settings).partitions.count)
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

  /// What is set for a topic: for tests.
  static func read(_ topic: Topic, _ settings: KafkaSettings) async throws(EventLogError) -> [String: String] {
    try await run(settings) { (client) throws(EventLogError) in
      let entries = try KafkaAdmin(client).configuration(of: settings.name(of: topic))
      return Dictionary(entries.map { ($0.name, $0.value ?? "") }) { first, _ in first }
    }
  }

  /// Sets one entry beside those that are set, as an operator would: for tests.
  static func set(_ name: String, _ value: String, of topic: Topic, _ settings: KafkaSettings)
    async throws(EventLogError)
  {
    try await run(settings) { (client) throws(EventLogError) in
      let admin = KafkaAdmin(client)
      let present = try admin.configuration(of: settings.name(of: topic)).filter(\.isSet)
      let kept = present.compactMap { entry in entry.value.map { (name: entry.name, value: $0) } }
      try replace(kept + [(name, value)], of: settings.name(of: topic), admin, client)
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

  /// Brokers learn of a new topic a moment after the controller has answered for it.
  private static func awaitLeaders(
    of topic: Topic, _ client: KafkaClient, _ settings: KafkaSettings
  ) throws(EventLogError) -> KafkaTopicState {
    let deadline = ContinuousClock.now + .seconds(20)
    let look = { Result { () throws(EventLogError) in try KafkaTopicState(of: topic, client, settings) } }
    var state = look()
    while ContinuousClock.now < deadline, (try? state.get())?.hasLeaders != true {
      client.pause(milliseconds: 100)
      state = look()
    }
    // Of what was seen, and not asked for again: the next broker may not know yet.
    let found = try state.get()
    _ = try found.check(against: settings)
    return found
  }

  private static func newTopic(_ topic: Topic, _ settings: KafkaSettings) -> KafkaAdmin.NewTopic {
    KafkaAdmin.NewTopic(
      name: settings.name(of: topic), partitions: settings.topics[topic]?.partitions ?? 1,
      replicas: Int32(settings.replicationFactor), configuration: configuration(of: topic, settings))
  }

  /// Adds the partitions that are wanted and not there.
  private static func grow(
    _ topic: Topic, _ settings: KafkaSettings, _ admin: KafkaAdmin, _ client: KafkaClient
  ) throws(EventLogError) -> Bool {
    let wanted = settings.topics[topic]?.partitions ?? 0
    let name = settings.name(of: topic)
    guard try KafkaTopicState(of: topic, client, settings).partitions.count < Int(wanted) else { return false }
    try admin.grow(name, to: wanted)
    let deadline = ContinuousClock.now + .seconds(20)
    while try KafkaTopicState(of: topic, client, settings).partitions.count < Int(wanted) {
      guard ContinuousClock.now < deadline else {
        throw EventLogError(.unavailable, "topic \(name): the brokers do not show its new partitions after 20 s")
      }
      client.pause(milliseconds: 100)
    }
    return true
  }

  /// Read, merge, write: `AlterConfigs` replaces the whole set.
  private static func merge(
    _ topic: Topic, _ settings: KafkaSettings, _ admin: KafkaAdmin, _ client: KafkaClient
  ) throws(EventLogError) -> Bool {
    let name = settings.name(of: topic)
    let present = try admin.configuration(of: name)
    let wanted = configuration(of: topic, settings)
    let differs = wanted.contains { entry in present.first { $0.name == entry.name }?.value != entry.value }
    guard differs else { return false }
    let kept = present.filter { entry in entry.isSet && !wanted.contains { $0.name == entry.name } }
    let whole = wanted + kept.compactMap { entry in entry.value.map { (name: entry.name, value: $0) } }
    try replace(whole, of: name, admin, client)
    return true
  }

  /// Replaces what is set, and waits until the brokers say so.
  private static func replace(
    _ entries: [(name: String, value: String)], of name: String, _ admin: KafkaAdmin, _ client: KafkaClient
  ) throws(EventLogError) {
    try admin.replaceConfiguration(of: name, entries)
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
      let present = try admin.configuration(of: name)
      if entries.allSatisfy({ entry in present.first { $0.name == entry.name }?.value == entry.value }) { return }
      client.pause(milliseconds: 100)
    }
    throw EventLogError(.unavailable, "configure topic \(name): the brokers do not show it after 20 s")
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
