import Cryptography
import EventLog
import Glibc
import Kafka
import Networking
import Operations
import PostgreSQL

/// What the roles of one process share: configuration, secrets, log, metrics, loops, the event log.
struct ServerProcess: Sendable {
  let configuration: Configuration
  /// The file that it was read from, if one was named.
  let configurationPath: String?
  let keyring: ClusterKeyring
  let sealer: LogSealer
  let logger: Logger
  let metrics = MetricsRegistry()
  let readiness = ReadinessBoard()
  let pulse = LoopPulse()
  let database: LaneSettings
  /// How many files the process may have open.
  let openFiles: Int
  /// Where what belongs to no loop of a role runs.
  let control: EventLoop

  init(_ configuration: Configuration, path: String? = nil, component: String, writer: LogWriter) throws {
    self.configuration = configuration
    configurationPath = path
    openFiles = ProcessLimits.raiseOpenFiles()
    try OpenSSLProvider.check()
    keyring = try ClusterKeyring(fileContents: try FileContents.readSecret(configuration.cluster.secretFile))
    sealer = LogSealer(keyring, instance: .random(), deflate: LogCompression.deflate, inflate: LogCompression.inflate)
    logger = Logger(level: configuration.operations.logLevel, writer: writer).component(component)
    control = try EventLoop(name: "control")
    database = try Self.lanes(configuration.database, component)
  }

  /// How lanes connect.
  private static func lanes(_ database: DatabaseConfiguration, _ component: String) throws -> LaneSettings {
    var connection = database.url
    if let password = database.password {
      // libpq takes the last of several settings; a password never stands in the URL that is shown.
      connection = Self.adding(password: try password.load(), to: connection)
    }
    var settings = LaneSettings(connection: connection, applicationName: "carillon \(component)")
    settings.connectTimeout = database.connectTimeout
    settings.statementTimeout = database.statementTimeout
    return settings
  }

  private static func adding(password: String, to connection: String) -> String {
    guard connection.hasPrefix("postgres") else {
      let escaped = password.reduce(into: "") { text, character in
        if character == "'" || character == "\\" { text.append("\\") }
        text.append(character)
      }
      return connection + " password='\(escaped)'"
    }
    let encoded = password.utf8.map { byte -> String in
      let isPlain = (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      return isPlain
        ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
    return connection + (connection.contains("?") ? "&" : "?") + "password=" + encoded.joined()
  }

  /// Opens the event log that the configuration names.
  func openLog() async throws -> (log: any EventLog, incarnation: UUID128) {
    switch configuration.log.kind {
    case .postgresql:
      let topics = configuration.log
      let retention: [Topic: Duration] = [
        .messages: topics.messages.retention, .directives: topics.directives.retention,
        .deadLetters: topics.deadLetters.retention, .deviceEvents: topics.events.retention,
        .taskEvents: topics.events.retention,
      ]
      let log = try await PostgreSQLLog.open(database, on: control, retention: retention)
      return (log, log.incarnation(of: .messages))
    case .kafka: return try await KafkaWiring.open(self)
    }
  }

  /// How many loops or shards a setting asks for: 0 leaves it to the machine, half of whose cores one role takes.
  func loops(_ setting: Int) -> Int {
    setting > 0 ? setting : max(sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2, 1)
  }

  /// A loop for a role, watched by the health check.
  func loop(_ name: String) throws -> EventLoop {
    let loop = try EventLoop(name: name)
    pulse.watch(loop)
    return loop
  }
}
