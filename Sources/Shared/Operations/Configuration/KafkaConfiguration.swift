/// `log.kafka`: how brokers are reached.
public struct KafkaConfiguration: Sendable {
  /// `host:port` of one or more brokers.
  public var brokers: [String]
  /// Put before the topics' names, where a broker is shared: `staging-` makes `staging-cwmp.messages`.
  public var topicPrefix: String
  /// Copies of each partition: 3 in production.
  public var replicationFactor: Int
  /// Copies that must hold a record before it counts as acknowledged: 2 in production.
  public var minimumInSync: Int
  /// Whether fewer copies than 3 and 2 are allowed: one lost disk may then lose what was acknowledged (promise P1).
  public var allowsFewReplicas: Bool
  /// TLS to the brokers; `nil` for none.
  public var tls: ClientTLSConfiguration?
  /// SASL to the brokers; `nil` for none.
  public var sasl: SASLConfiguration?

  init(_ reader: ConfigurationReader) {
    brokers = reader.texts("brokers")
    topicPrefix = reader.text("topic_prefix") ?? ""
    replicationFactor = reader.integer("replication_factor", default: 3, in: 1...9)
    minimumInSync = reader.integer("min_insync_replicas", default: 2, in: 1...9)
    allowsFewReplicas = reader.boolean("allow_few_replicas", default: false)
    let tlsReader = reader.section("tls")
    tls = tlsReader.boolean("enabled", default: false) ? ClientTLSConfiguration(tlsReader) : nil
    if tls == nil { _ = ClientTLSConfiguration(tlsReader) }
    sasl = SASLConfiguration(reader.section("sasl"))
    if minimumInSync > replicationFactor {
      reader.report("must not exceed replication_factor (\(replicationFactor))", key: "min_insync_replicas")
    }
    if !allowsFewReplicas, replicationFactor < 3 || minimumInSync < 2 {
      let reason =
        "fewer than 3 copies, 2 in sync, may lose acknowledged records; `allow_few_replicas: true` accepts it"
      reader.report(reason, key: "replication_factor")
    }
  }
}

/// `tls` of a client.
public struct ClientTLSConfiguration: Sendable {
  /// PEM certificates to trust instead of the system's.
  public var authorityFile: String?
  /// PEM certificate chain that the client shows.
  public var certificateFile: String?
  /// PEM key of that certificate.
  public var keyFile: String?

  init(_ reader: ConfigurationReader) {
    authorityFile = reader.text("ca_file")
    certificateFile = reader.text("certificate_file")
    keyFile = reader.text("key_file")
    if (certificateFile == nil) != (keyFile == nil) {
      reader.report(
        "certificate_file and key_file belong together", key: keyFile == nil ? "certificate_file" : "key_file")
    }
  }
}

/// `sasl`: a user of the brokers.
public struct SASLConfiguration: Sendable {
  /// The mechanisms that are offered.
  public enum Mechanism: String, CaseIterable, Sendable {
    /// Over TLS only, in any network that is not one's own.
    case plain = "PLAIN"
    /// Refused at start with librdkafka before 2.6.1.
    case scram256 = "SCRAM-SHA-256"
    /// Refused at start with librdkafka before 2.6.1.
    case scram512 = "SCRAM-SHA-512"
  }

  /// How the password is proved.
  public var mechanism: Mechanism
  /// The user.
  public var username: String
  /// The user's password.
  public var password: SecretSource

  init?(_ reader: ConfigurationReader) {
    mechanism = reader.choice("mechanism", default: Mechanism.plain)
    let name = reader.text("username")
    let secret = reader.secret("password")
    if name != nil, secret == nil { reader.report("needs 'password_file'", key: "username") }
    guard let name, let secret else { return nil }
    username = name
    password = secret
  }
}
