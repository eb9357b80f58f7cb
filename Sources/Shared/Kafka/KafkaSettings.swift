public import EventLog

/// How to reach a Kafka cluster and what its topics are like (docs/architecture.md, section 7).
public struct KafkaSettings: Sendable {
  /// Brokers to begin with, `host:port` each.
  public var bootstrapServers: [String]
  /// What brokers call us in their logs and quotas: role and host.
  public var clientID = "carillon"
  /// The group that offsets are committed to, for lag tools only; nothing reads them back.
  public var group = "carillon"
  /// TLS to the brokers; nil: plain text.
  public var tls: TLS?
  /// Who we are to the brokers; nil: nobody, or the certificate's subject.
  public var sasl: SASL?
  /// Put before every topic's name, so that several clusters of ours can share one of Kafka's.
  public var prefix = ""
  /// Part of the names of the `cwmp.*` topics: another one is another log.
  public var incarnation: Int32 = 1
  /// Partitions and retention of each topic, as `carillon migrate` makes them.
  public var topics = KafkaSettings.defaultTopics
  /// How many brokers keep each record.
  public var replicationFactor = 3
  /// How many of them must have it before it is acknowledged (promise P1). For ``Topic/isTransient`` topics 1.
  public var minimumInSyncReplicas = 2
  /// Allows fewer than three replicas or two in sync: one broker for development. Acknowledged records can then be
  /// lost.
  public var allowsFewReplicas = false
  /// After that an append fails. Brokers that vanish make it up to 40 % longer; deadlines are the caller's.
  public var messageTimeout = Duration.seconds(8)

  /// What a topic is like.
  public struct TopicSettings: Sendable, Hashable {
    /// How many partitions; of a topic in use only those of messages become more (``PartitionRanges``).
    public var partitions: Int32
    /// How long records are kept.
    public var retention: Duration

    /// Describes a topic.
    public init(partitions: Int32, retention: Duration) {
      self.partitions = partitions
      self.retention = retention
    }
  }

  /// Files for TLS, in PEM.
  public struct TLS: Sendable {
    /// Whom to trust; nil: the system's authorities.
    public var authorities: String?
    /// Our certificate, where brokers ask for one.
    public var certificate: String?
    /// Its key.
    public var key: String?
    /// What the key is encrypted with.
    public var keyPassword: String?

    /// Describes TLS by its files.
    public init(
      authorities: String? = nil, certificate: String? = nil, key: String? = nil, keyPassword: String? = nil
    ) {
      self.authorities = authorities
      self.certificate = certificate
      self.key = key
      self.keyPassword = keyPassword
    }
  }

  /// A user at the brokers.
  public struct SASL: Sendable {
    /// How the password is shown. Raw values are Kafka's.
    public enum Mechanism: String, Sendable, CaseIterable {
      /// As it is: only over TLS.
      case plain = "PLAIN"
      /// RFC 7677; needs librdkafka 2.6.1.
      case scramSHA256 = "SCRAM-SHA-256"
      /// The same with SHA-512.
      case scramSHA512 = "SCRAM-SHA-512"
    }

    /// How the password is shown.
    public var mechanism: Mechanism
    /// Who.
    public var username: String
    /// Never logged.
    public var password: String

    /// Describes a user.
    public init(mechanism: Mechanism, username: String, password: String) {
      self.mechanism = mechanism
      self.username = username
      self.password = password
    }
  }

  /// Messages 24 partitions and 7 days, directives 8 and 10 minutes, dead letters 4 and 30 days, events 8 and 7 days.
  public static let defaultTopics: [Topic: TopicSettings] = [
    .messages: TopicSettings(partitions: 24, retention: .seconds(7 * 86_400)),
    .directives: TopicSettings(partitions: 8, retention: .seconds(600)),
    .deadLetters: TopicSettings(partitions: 4, retention: .seconds(30 * 86_400)),
    .deviceEvents: TopicSettings(partitions: 8, retention: .seconds(7 * 86_400)),
    .taskEvents: TopicSettings(partitions: 8, retention: .seconds(7 * 86_400)),
  ]

  /// Settings for the brokers named.
  public init(bootstrapServers: [String]) { self.bootstrapServers = bootstrapServers }

  /// The topic's name at the brokers. Northbound topics, which others read, carry no incarnation.
  public func name(of topic: Topic) -> String {
    switch topic {
    case .messages, .directives, .deadLetters: "\(prefix)\(topic.name).\(incarnation)"
    case .deviceEvents, .taskEvents: prefix + topic.name
    }
  }

  /// How many replicas of `topic` must have a record.
  func minimumInSync(of topic: Topic) -> Int { topic.isTransient ? 1 : minimumInSyncReplicas }
}
