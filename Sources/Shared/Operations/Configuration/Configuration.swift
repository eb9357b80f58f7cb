import YAML

/// The whole configuration of a process, checked. All roles read the same file; each uses its sections.
///
/// From `/etc/carillon/carillon.yaml` or `--config FILE`; `CARILLON_SECTION_KEY` in the environment overrides each key.
public struct Configuration: Sendable {
  /// Where it is read from unless `--config` says otherwise.
  public static let defaultPath = "/etc/carillon/carillon.yaml"

  /// The secret that all processes share.
  public var cluster: ClusterConfiguration
  /// PostgreSQL.
  public var database: DatabaseConfiguration
  /// The event log and the northbound topics.
  public var log: LogConfiguration
  /// The CWMP side.
  public var gateway: GatewayConfiguration
  /// Folding.
  public var worker: WorkerConfiguration
  /// What starts from the clock.
  public var scheduler: SchedulerConfiguration
  /// The API.
  public var northbound: NorthboundConfiguration
  /// Health, metrics, logs.
  public var operations: OperationsConfiguration

  /// Reads and checks the file and the environment.
  ///
  /// - Parameter path: `nil` reads ``defaultPath`` where it exists, and the defaults where it does not.
  /// - Throws: ``ConfigurationError`` with every problem, or ``FileError`` for a file that cannot be read.
  public static func load(path: String?, environment: [String: String]) throws -> Configuration {
    let path = path ?? environment["CARILLON_CONFIG"]
    if path == nil, !FileContents.exists(defaultPath) {
      return try parse([], file: defaultPath, environment: environment)
    }
    let file = path ?? defaultPath
    return try parse(try FileContents.read(file), file: file, environment: environment)
  }

  /// Reads and checks a file's contents.
  public static func parse(
    _ bytes: [UInt8], file: String, environment: [String: String]
  ) throws(ConfigurationError) -> Configuration {
    try read(bytes, file: file, environment: environment).configuration
  }

  /// Every key with its variable and its default, as the reference prints them. Lists stand for themselves without
  /// items.
  public static var keys: [(path: String, variable: String, fallback: String)] {
    (try? read([], file: defaultPath, environment: [:]))?.keys ?? []
  }

  private static func read(
    _ bytes: [UInt8], file: String, environment: [String: String]
  ) throws(ConfigurationError) -> (configuration: Configuration, keys: [(String, String, String)]) {
    let shared = ConfigurationReader.Shared(file: file, environment: environment)
    let document: YAMLDocument
    do {
      document = try YAMLDocument.parse(bytes, file: file)
    } catch {
      throw ConfigurationError(problems: [error])
    }
    let top = ConfigurationReader(document.root, path: [], shared: shared)
    let configuration = Configuration(top)
    top.refuseUnknownKeys()
    refuseUnknownVariables(shared)
    guard shared.problems.isEmpty else { throw ConfigurationError(problems: shared.problems) }
    return (configuration, shared.keys.map { ($0.path, $0.variable, $0.fallback) })
  }

  private init(_ top: ConfigurationReader) {
    cluster = ClusterConfiguration(top.section("cluster"))
    database = DatabaseConfiguration(top.section("database"))
    log = LogConfiguration(top.section("log"))
    gateway = GatewayConfiguration(top.section("gateway"))
    worker = WorkerConfiguration(top.section("worker"))
    scheduler = SchedulerConfiguration(top.section("scheduler"))
    northbound = NorthboundConfiguration(top.section("northbound"))
    let operationsReader = top.section("operations")
    operations = OperationsConfiguration(operationsReader)
    if gateway.drain + gateway.limits.answerDeadline >= operations.stopDeadline {
      operationsReader.report(
        "must be longer than gateway.drain and gateway.limits.answer_deadline together", key: "stop_deadline")
    }
  }

  /// A misspelt variable would be ignored in silence. Variables of other first words are not ours to judge
  /// (`CARILLON_API_URL` is the command line's).
  private static func refuseUnknownVariables(_ shared: ConfigurationReader.Shared) {
    let sections = ["CLUSTER", "DATABASE", "LOG", "GATEWAY", "WORKER", "SCHEDULER", "NORTHBOUND", "OPERATIONS"]
    for name in shared.environment.keys.sorted() where !shared.variables.contains(name) {
      guard sections.contains(where: { name.hasPrefix("CARILLON_\($0)_") }) else { continue }
      let near = Suggestion.nearest(to: name, in: shared.variables).map { "; did you mean \($0)?" } ?? ""
      shared.problems.append(
        YAMLError(file: "environment \(name)", mark: nil, reason: "no key of the configuration is named so\(near)"))
    }
  }
}
