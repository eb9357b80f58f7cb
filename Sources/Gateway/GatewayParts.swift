public import Cryptography
public import EventLog
public import Operations
public import PostgreSQL

/// What a gateway works with.
public struct GatewayParts: Sendable {
  /// This gateway: random at each start.
  public var instance: UUID128
  /// Its partition of `cwmp.directives`.
  public var replyPartition: Int32
  /// Where what CPEs say goes.
  public var log: any EventLog
  /// How its lanes to credentials connect.
  public var database: LaneSettings
  /// The cluster's secrets.
  public var keyring: ClusterKeyring
  /// Seals what may hold secrets; the process's one.
  public var sealer: LogSealer
  /// The realm of challenges.
  public var realm: String
  /// The shared credential of devices that have none of their own.
  public var bootstrap: (username: String, password: SecretKey)?
  /// What one loop lets in.
  public var budget = Admission.Budget()
  /// How long what a POST waits for may take.
  public var deadlines = SessionCore.Deadlines()
  /// Digest answers that were taken; the process's one.
  let replays = DigestReplays(lifetime: DigestNonces.defaultLifetimeMilliseconds)
  /// Where it says what it does.
  public var logger: Logger
  /// Its metrics.
  public var metrics: MetricsRegistry

  /// Gathers a gateway's parts.
  public init(
    log: any EventLog, database: LaneSettings, keyring: ClusterKeyring, sealer: LogSealer, realm: String,
    bootstrap: (username: String, password: SecretKey)?, logger: Logger, metrics: MetricsRegistry
  ) {
    instance = .random()
    self.log = log
    self.database = database
    self.keyring = keyring
    self.sealer = sealer
    self.realm = realm
    self.bootstrap = bootstrap
    self.logger = logger
    self.metrics = metrics
    let partitions = log.partitionCount(of: .directives)
    replyPartition = Int32(truncatingIfNeeded: instance.low % UInt64(max(partitions, 1)))
  }
}
