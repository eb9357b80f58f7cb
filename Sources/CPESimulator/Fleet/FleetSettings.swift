public import CWMP
public import Networking

/// What a fleet of simulated CPEs is and does.
public struct FleetSettings: Sendable {
  /// When sessions begin.
  public enum Pace: Sendable, Hashable {
    /// Only when asked for, or when an RPC or a connection request causes one: for tests. Nothing is tried again.
    case manual
    /// As devices live: all boot within `bootSeconds`, inform periodically, try again what failed.
    case living(bootSeconds: Double)
    /// Load: so many sessions are always open, each followed by another CPE's.
    case closedLoop(sessions: Int)
    /// Load: so many sessions a second begin, whatever the ACS does; latencies count from the intended begin.
    case openLoop(sessionsPerSecond: Double)
  }

  /// The ACS's URL.
  public var url: String
  /// How many CPEs.
  public var count: Int
  /// The number of the first one; its serial number is one higher.
  public var firstIndex: UInt32 = 0
  /// Their models, in turn.
  public var models: [DeviceModel.BuiltIn] = [.tr181, .tr098]
  /// When sessions begin.
  public var pace = Pace.manual
  /// The shared credential of devices that have none of their own.
  public var bootstrap = ACSCredentials(username: "bootstrap", password: "")
  /// Set it if the CPEs have credentials of their own already; their user name is then their identity.
  public var knownPassword: PasswordRule?
  /// Whether they send Basic without being asked.
  public var sendsBasicAtOnce = false
  /// How many parameters an Inform carries, at least the forced ones.
  public var informParameters = 25
  /// Bytes of values that are added to every GetParameterValuesResponse, to see that large ones pass.
  public var valuePadding = 0
  /// The part of the Informs of load, and of a living fleet's periodic ones, before which the provider's address has
  /// changed.
  public var changedFraction = 0.0
  /// In life: the part of the periodic Informs instead of which the CPE loses its power and boots.
  public var bootFraction = 0.0
  /// In load: the events of each Inform.
  public var loadEvents: [EventCode] = [.periodic]
  /// In load: each CPE has one session, in turn, and then no more.
  public var isOnceEach = false
  /// The first PeriodicInformInterval, in seconds.
  public var periodicInterval: UInt32 = 300
  /// How failed sessions are tried again.
  public var retry = RetryPolicy()
  /// Whether a CPE of a load whose session failed tries again by ``retry``, in the turn of another.
  public var retriesLoad = false
  /// How many sessions may be open at once; the others wait their turn.
  public var connectionLimit = 8_000
  /// How long a connection may take to stand, and an answer to come.
  public var responseDeadline = Duration.seconds(30)
  /// How long a reboot or a factory reset takes.
  public var bootDelay = Duration.seconds(2)
  /// How long a CPE that answers late waits at most.
  public var lateDelay = Duration.seconds(5)
  /// What some do otherwise, each with the part of the fleet that does.
  public var misbehaviours: [(kind: Misbehaviours, fraction: Double)] = []
  /// The seed of all choices.
  public var seed: UInt64 = 1
  /// TLS for `https`; nil trusts the system's authorities.
  public var tls: TLSClientContext?
  /// Where connection requests are listened for, one path a CPE; nil: nowhere. Each further loop takes the next port.
  public var callback: SocketAddress?
  /// The address in ConnectionRequestURL; nil: the one that the CPE sends from.
  public var callbackHost: IPAddress?
  /// How many addresses of 127.0.0.0/8 the CPEs send from, if the ACS is on it: each has 28,000 ports.
  public var loopbackSources = 1
  /// A file that gets what happens, one JSON object a line.
  public var historyFile: String?
  /// Takes an InformResponse on sight, to save CPU in benchmarks.
  public var trustsInformResponses = false
  /// How many reports of its last sessions are kept for each CPE, for ``Fleet/session(of:after:)``.
  public var keptReports = 0
  /// Values that a CPE must have, besides its own credentials, to count as provisioned: paths without root.
  public var expectedValues: [String: String] = [:]

  /// A fleet of CPEs of both models for an ACS.
  public init(url: String, count: Int) {
    self.url = url
    self.count = count
  }
}

/// Why a fleet cannot be made or used.
public struct FleetError: Error, Sendable, CustomStringConvertible {
  /// What is wrong and, where known, what to do.
  public let description: String

  init(_ description: String) { self.description = description }
}
