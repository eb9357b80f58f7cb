import Cryptography
import EventLog
import Kafka
import Networking
import Operations
import PostgreSQL

/// The Kafka log as the configuration describes it. Only the executable knows which log it wires in.
enum KafkaWiring {
  static func open(_ process: ServerProcess) async throws -> (log: any EventLog, incarnation: UUID128) {
    let settings = try settings(process.configuration.log)
    let logger = process.logger
    let log = try await KafkaLog.connect(settings, on: process.control) { line in
      logger.warning("trouble with Kafka") { $0.add(.reason, line) }
    }
    return (log, incarnation(settings))
  }

  /// - Parameters:
  ///   - partitions: how many `messages` has, or is to have.
  ///   - mayGrow: whether it may be given those that it lacks.
  static func migrate(_ process: ServerProcess, partitions: Int32, mayGrow: Bool) async throws {
    var settings = try settings(process.configuration.log)
    settings.topics[.messages]?.partitions = partitions
    for line in try await KafkaTopics.migrate(settings, mayGrow: mayGrow) { print(line) }
  }

  /// How many partitions `messages` has.
  static func partitions(_ process: ServerProcess) async throws -> Int32 {
    try await KafkaTopics.partitions(of: .messages, try settings(process.configuration.log))
  }

  /// Names the log of `cwmp.messages` for ever: its topic's name with the incarnation.
  private static func incarnation(_ settings: KafkaSettings) -> UUID128 {
    let namespace = UUID128(high: 0x0c4d_2f75_3b1e_4a86, low: 0xb6a9_10c2_7d54_e83f)
    return UUID128.named(settings.name(of: .messages), in: namespace)
  }

  private static func settings(_ configuration: LogConfiguration) throws -> KafkaSettings {
    let kafka = configuration.kafka
    var settings = KafkaSettings(bootstrapServers: kafka.brokers)
    settings.prefix = kafka.topicPrefix
    settings.replicationFactor = kafka.replicationFactor
    settings.minimumInSyncReplicas = kafka.minimumInSync
    settings.allowsFewReplicas = kafka.allowsFewReplicas
    settings.tls = kafka.tls.map {
      KafkaSettings.TLS(authorities: $0.authorityFile, certificate: $0.certificateFile, key: $0.keyFile)
    }
    settings.sasl = try kafka.sasl.map { sasl in
      guard let mechanism = KafkaSettings.SASL.Mechanism(rawValue: sasl.mechanism.rawValue) else {
        throw EventLogError(.misconfigured, "SASL mechanism \(sasl.mechanism.rawValue) is not supported")
      }
      return KafkaSettings.SASL(
        mechanism: mechanism, username: sasl.username, password: try sasl.password.load())
    }
    func topic(_ topic: TopicConfiguration) -> KafkaSettings.TopicSettings {
      KafkaSettings.TopicSettings(partitions: Int32(clamping: topic.partitions), retention: topic.retention)
    }
    settings.topics = [
      .messages: topic(configuration.messages), .directives: topic(configuration.directives),
      .deadLetters: topic(configuration.deadLetters), .deviceEvents: topic(configuration.events),
      .taskEvents: topic(configuration.events),
    ]
    return settings
  }
}
