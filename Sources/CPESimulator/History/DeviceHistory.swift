/// What a CPE's history says that the server must know.
public struct DeviceHistory: Sendable, Equatable {
  /// An RPC by its `cwmp:ID`.
  public struct Execution: Sendable, Equatable {
    /// The method.
    public var method: String
    /// How often it was carried out.
    public var count: Int
  }

  /// The last acknowledged Inform's time, in milliseconds since 1970.
  public private(set) var lastInform: Int64?
  /// Its events.
  public private(set) var lastEvents: [String] = []
  /// The SoftwareVersion that it told.
  public private(set) var softwareVersion: String?
  /// What SetParameterValues have set and nothing has undone.
  public private(set) var values: [String: String] = [:]
  /// The RPCs without fault, by ID.
  public private(set) var executions: [String: Execution] = [:]
  /// When it restarted last, in milliseconds since 1970.
  public private(set) var lastBoot: Int64?
  /// When the history begins, in milliseconds since 1970.
  public private(set) var begin: Int64?

  /// Nothing has happened yet.
  public init() {}

  /// Takes the next entry in.
  public mutating func add(_ entry: HistoryEntry) {
    begin = min(begin ?? entry.at, entry.at)
    switch entry.what {
    case .inform:
      lastInform = max(lastInform ?? entry.at, entry.at)
      lastEvents = entry.events ?? []
      softwareVersion = entry.software
    case .rpc where entry.fault == 0:
      let id = entry.id ?? ""
      executions[id, default: Execution(method: entry.method ?? "", count: 0)].count += 1
      values.merge(entry.values ?? [:]) { $1 }
      if entry.method == "DeleteObject", let object = entry.object {
        values = values.filter { !$0.key.hasPrefix(object) }
      }
    case .reset: values = [:]
    case .boot: lastBoot = max(lastBoot ?? entry.at, entry.at)
    case .rpc, .download: break
    }
  }
}
