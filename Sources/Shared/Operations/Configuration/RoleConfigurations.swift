import Networking

/// `worker`: folding.
public struct WorkerConfiguration: Sendable {
  /// What becomes of the ManagementServer credentials of devices that come with the shared one.
  public enum Credentials: String, CaseIterable, Sendable {
    /// Each device gets its own.
    case give
    /// They stay as they are: somebody else's concern. Connection requests still get credentials of ours.
    case keep
  }

  /// Shards, each a loop with its partitions and its connection; 0 is one for every two cores.
  public var shards: Int
  /// Rounds of planning in one session.
  public var rounds: Int
  /// RPCs in one session.
  public var rpcs: Int
  /// Whether devices get ManagementServer credentials of their own.
  public var credentials: Credentials
  /// The least time without a POST after which a session is lost (item 71); a CPE may ask for more.
  public var sessionTimeout: Duration
  /// A serial number at whose Inform the fold crashes the process, to rehearse what a crash does; `nil` by default.
  public var trapOn: String?

  init(_ reader: ConfigurationReader) {
    shards = reader.integer("shards", default: 0, in: 0...256)
    rounds = reader.integer("rounds", default: 16, in: 1...1000)
    rpcs = reader.integer("rpcs", default: 64, in: 1...10_000)
    credentials = reader.choice("credentials", default: Credentials.give)
    sessionTimeout = reader.duration("session_timeout", default: .seconds(30), in: .seconds(5)...(.seconds(3600)))
    trapOn = reader.text("trap_on")
  }
}

/// `scheduler`: what starts from the clock.
public struct SchedulerConfiguration: Sendable {
  /// Connection requests a second of this process.
  public var connectionRequestsPerSecond: Int
  /// The least time between two connection requests to one device.
  public var connectionRequestInterval: Duration
  /// Addresses or networks that connection requests may go to; empty allows all but loopback and link-local.
  public var connectionRequestNetworks: [String]
  /// How long finished tasks are kept.
  public var taskHistory: Duration

  init(_ reader: ConfigurationReader) {
    connectionRequestsPerSecond = reader.integer("connection_requests_per_second", default: 200, in: 1...100_000)
    connectionRequestInterval = reader.duration(
      "connection_request_interval", default: .seconds(30), in: .seconds(1)...(.seconds(3600)))
    connectionRequestNetworks = reader.texts("connection_request_networks")
    taskHistory = reader.duration(
      "task_history", default: .seconds(90 * 86_400), in: .seconds(3600)...(.seconds(3650 * 86_400)))
  }
}

/// `northbound`: the API.
public struct NorthboundConfiguration: Sendable {
  /// The address to listen on.
  public var address: String
  /// 8080.
  public var port: Int
  /// Event loops; 0 is one.
  public var loops: Int
  /// A file with a bearer token that is good from the start.
  public var tokenFile: String
  /// PEM certificate chain; TLS where it is given.
  public var certificateFile: String?
  /// PEM key.
  public var keyFile: String?
  /// Whether the API may be plain HTTP on other addresses than loopback's, where tokens can be read on the way.
  public var allowsWithoutTLS: Bool

  init(_ reader: ConfigurationReader) {
    address = reader.text("address", default: "127.0.0.1")
    port = reader.integer("port", default: 8080, in: 0...65_535)
    loops = reader.integer("loops", default: 1, in: 0...256)
    tokenFile = reader.text("token_file", default: "/etc/carillon/api.token")
    certificateFile = reader.text("certificate_file")
    keyFile = reader.text("key_file")
    allowsWithoutTLS = reader.boolean("allow_without_tls", default: false)
    if (certificateFile == nil) != (keyFile == nil) {
      let key = keyFile == nil ? "certificate_file" : "key_file"
      reader.report("certificate_file and key_file belong together", key: key)
    }
    if certificateFile == nil, !allowsWithoutTLS, let ip = IPAddress(address), !ip.isLoopback {
      reader.report(
        "without TLS anybody on the way could read tokens: give certificate_file and key_file, or allow it by "
          + "allow_without_tls: true", key: "address")
    }
  }
}

/// `operations`: health, metrics, logs.
public struct OperationsConfiguration: Sendable {
  /// The address of `/healthz`, `/readyz` and `/metrics`.
  public var address: String
  /// Their port; `nil` is 9100 for `all` and 9101 to 9104 for gateway, worker, scheduler and northbound.
  public var port: Int?
  /// The least level that is logged.
  public var logLevel: LogLevel
  /// How long a stop may take before the process ends with what is left undone.
  public var stopDeadline: Duration

  init(_ reader: ConfigurationReader) {
    address = reader.text("address", default: "127.0.0.1")
    port = reader.integer("port", in: 0...65_535)
    logLevel = reader.level("log_level", default: .info)
    stopDeadline = reader.duration("stop_deadline", default: .seconds(25), in: .seconds(1)...(.seconds(300)))
  }

  /// The port of a role: the configured one, or 9100 + n.
  public func port(of role: ProcessRole) -> Int { port ?? 9100 + role.rawValue }
}

/// What a process does; the raw value is its n in 9100 + n.
public enum ProcessRole: Int, CaseIterable, Sendable {
  /// All roles in one.
  case all
  /// The CWMP side.
  case gateway
  /// Folding.
  case worker
  /// What starts from the clock.
  case scheduler
  /// The API.
  case northbound

  /// The name as in `carillon NAME`.
  public var name: String {
    switch self {
    case .all: "all"
    case .gateway: "gateway"
    case .worker: "worker"
    case .scheduler: "scheduler"
    case .northbound: "northbound"
    }
  }
}
