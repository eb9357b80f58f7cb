import CRdKafka
import EventLog

extension KafkaSettings {
  /// The version of librdkafka whose SCRAM Kafka 3.8.1 and later accept: before it sent its nonce twice (librdkafka
  /// #4895), which brokers now refuse.
  static let firstVersionWithSCRAM: Int32 = 0x0206_01ff

  /// Refuses what cannot work, or would break a promise, with the reason and the cure.
  /// - Parameter libraryVersion: librdkafka's, as `rd_kafka_version` gives it.
  /// - Throws: ``EventLogError/Kind/misconfigured``.
  func validate(libraryVersion: Int32 = rd_kafka_version()) throws(EventLogError) {
    guard !bootstrapServers.isEmpty, bootstrapServers.allSatisfy({ !$0.isEmpty && !$0.contains(",") }) else {
      throw EventLogError(.misconfigured, "kafka.bootstrap_servers: name at least one broker as host:port")
    }
    guard incarnation > 0 else { throw EventLogError(.misconfigured, "kafka.incarnation: must be 1 or more") }
    for topic in Topic.allCases {
      guard let settings = topics[topic], settings.partitions > 0 else {
        throw EventLogError(.misconfigured, "kafka.topics: \(topic.name) needs at least one partition")
      }
    }
    guard minimumInSyncReplicas > 0, replicationFactor >= minimumInSyncReplicas else {
      throw EventLogError(
        .misconfigured,
        "kafka.min_in_sync_replicas: \(minimumInSyncReplicas) is not between 1 and replication_factor "
          + "\(replicationFactor)"
      )
    }
    guard allowsFewReplicas || (replicationFactor >= 3 && minimumInSyncReplicas >= 2) else {
      throw EventLogError(
        .misconfigured,
        "kafka: with \(replicationFactor) replicas and \(minimumInSyncReplicas) in sync an acknowledged record can be "
          + "lost; use 3 and 2, or set allow_few_replicas: true for development")
    }
    if let sasl, sasl.mechanism != .plain, libraryVersion < Self.firstVersionWithSCRAM {
      throw EventLogError(
        .misconfigured,
        "kafka.sasl: \(sasl.mechanism.rawValue) needs librdkafka 2.6.1 or later, this is \(Self.text(libraryVersion)): "
          + "Kafka since 3.8.1 refuses the SCRAM of older ones (librdkafka #4895); use PLAIN over TLS or a client "
          + "certificate"
      )
    }
    if let sasl, sasl.mechanism == .plain, tls == nil, !allowsFewReplicas {
      throw EventLogError(.misconfigured, "kafka.sasl: PLAIN shows the password to the network; configure kafka.tls")
    }
  }

  /// `2.0.2` of 0x020002ff.
  private static func text(_ version: Int32) -> String {
    "\(version >> 24 & 0xff).\(version >> 16 & 0xff).\(version >> 8 & 0xff)"
  }
}
