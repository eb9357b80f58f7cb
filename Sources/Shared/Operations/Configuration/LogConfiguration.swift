/// `log`: the event log of `cwmp.*` and the northbound topics.
public struct LogConfiguration: Sendable {
  /// The log's two homes.
  public enum Kind: String, CaseIterable, Sendable {
    /// Embedded in the database: for a single machine.
    case postgresql
    /// For production.
    case kafka
  }

  /// Which home.
  public var kind: Kind
  /// What the CPEs said: 24 partitions and 7 days; embedded 4 and an hour.
  public var messages: TopicConfiguration
  /// What they are told: 8 partitions and 10 minutes.
  public var directives: TopicConfiguration
  /// What could not be folded: 4 partitions and 30 days.
  public var deadLetters: TopicConfiguration
  /// The northbound topics: 12 partitions and 7 days.
  public var events: TopicConfiguration
  /// Brokers, where `kind` is `kafka`.
  public var kafka: KafkaConfiguration

  init(_ reader: ConfigurationReader) {
    kind = reader.choice("kind", default: Kind.postgresql)
    let topics = reader.section("topics")
    let embedded = kind == .postgresql
    messages = TopicConfiguration(
      topics.section("messages"), partitions: embedded ? 4 : 24,
      retention: .seconds(embedded ? 3600 : 7 * 86_400))
    directives = TopicConfiguration(
      topics.section("directives"), partitions: embedded ? 2 : 8, retention: .seconds(600))
    deadLetters = TopicConfiguration(
      topics.section("dead_letters"), partitions: embedded ? 1 : 4, retention: .seconds(30 * 86_400))
    events = TopicConfiguration(
      topics.section("events"), partitions: embedded ? 1 : 12, retention: .seconds(7 * 86_400))
    kafka = KafkaConfiguration(reader.section("kafka"))
    if kind == .kafka, kafka.brokers.isEmpty {
      reader.report("kafka.brokers is needed for the kafka log", key: "kafka")
    }
  }
}

/// One topic as `carillon migrate` makes it.
public struct TopicConfiguration: Sendable {
  /// As it is made at first; of a log in use only messages get more (`carillon migrate --partitions`).
  public var partitions: Int
  /// How long records are kept.
  public var retention: Duration

  init(_ reader: ConfigurationReader, partitions: Int, retention: Duration) {
    self.partitions = reader.integer("partitions", default: partitions, in: 1...1024)
    self.retention = reader.duration("retention", default: retention, in: .seconds(60)...(.seconds(3650 * 86_400)))
  }
}
