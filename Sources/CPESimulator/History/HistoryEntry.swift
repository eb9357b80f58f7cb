/// One line of a history.
public struct HistoryEntry: Decodable, Sendable, Equatable {
  /// What happened.
  public enum What: String, Decodable, Sendable {
    /// The ACS has acknowledged an Inform.
    case inform
    /// The CPE has carried out an RPC.
    case rpc
    /// The CPE has started again.
    case boot
    /// The CPE has gone back to the factory's settings.
    case reset
    /// A transfer has ended.
    case download
    /// The ACS has acknowledged a TransferComplete.
    case transfer
  }

  /// Milliseconds since 1970, by the simulator's clock: of a session's begin for Informs and RPCs.
  public var at: Int64
  /// The CPE's identity.
  public var cpe: String
  /// What happened.
  public var what: What
  /// An Inform's events.
  public var events: [String]?
  /// An Inform's CommandKeys, one an event.
  public var keys: [String]?
  /// An Inform's RetryCount.
  public var retry: Int?
  /// When an Inform was acknowledged, milliseconds since 1970.
  public var acked: Int64?
  /// An Inform's SoftwareVersion.
  public var software: String?
  /// An RPC's method.
  public var method: String?
  /// An RPC's `cwmp:ID`.
  public var id: String?
  /// A CommandKey.
  public var key: String?
  /// The fault that was answered or told; 0 for none.
  public var fault: Int?
  /// What a SetParameterValues has set.
  public var values: [String: String]?
  /// What AddObject has made or DeleteObject deleted.
  public var object: String?

  /// An entry of these parts.
  public init(
    at: Int64, cpe: String, what: What, events: [String]? = nil, keys: [String]? = nil, retry: Int? = nil,
    acked: Int64? = nil,
    software: String? = nil, method: String? = nil, id: String? = nil, key: String? = nil, fault: Int? = nil,
    values: [String: String]? = nil, object: String? = nil
  ) {
    self.at = at
    self.cpe = cpe
    self.what = what
    self.events = events
    self.keys = keys
    self.retry = retry
    self.acked = acked
    self.software = software
    self.method = method
    self.id = id
    self.key = key
    self.fault = fault
    self.values = values
    self.object = object
  }
}
