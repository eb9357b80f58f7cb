/// What a CPE's history says that the server must know.
public struct DeviceHistory: Sendable, Equatable {
  /// An RPC by its `cwmp:ID`.
  public struct Execution: Sendable, Equatable {
    /// The method.
    public var method: String
    /// How often it was carried out.
    public var count: Int
  }

  /// An Inform that the ACS has acknowledged.
  public struct AcknowledgedInform: Sendable, Equatable {
    /// When its session began and when the answer came, in milliseconds since 1970.
    public var time: ClosedRange<Int64>
    /// Its events' codes.
    public var events: [String]
  }

  /// All Informs that were acknowledged, in their order.
  public private(set) var informs: [AcknowledgedInform] = []
  /// How many TransferCompletes were.
  public private(set) var transfers = 0
  /// The SoftwareVersion that the last Inform told.
  public private(set) var softwareVersion: String?
  /// What SetParameterValues have set and nothing has undone.
  public private(set) var values: [String: String] = [:]
  /// The RPCs without fault, by ID.
  public private(set) var executions: [String: Execution] = [:]
  /// The CommandKeys of transfers that failed.
  public private(set) var failedTransfers: Set<String> = []
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
      let acknowledged = max(entry.acked ?? entry.at, entry.at)
      informs.append(AcknowledgedInform(time: entry.at...acknowledged, events: entry.events ?? []))
      softwareVersion = entry.software
    case .transfer: transfers += 1
    case .rpc where entry.fault == 0:
      let id = entry.id ?? ""
      executions[id, default: Execution(method: entry.method ?? "", count: 0)].count += 1
      values.merge(entry.values ?? [:]) { $1 }
      if entry.method == "DeleteObject", let object = entry.object {
        values = values.filter { !$0.key.hasPrefix(object) }
      }
    case .reset: values = [:]
    case .boot: lastBoot = max(lastBoot ?? entry.at, entry.at)
    case .download where entry.fault ?? 0 != 0: failedTransfers.insert(entry.key ?? "")
    case .rpc, .download: break
    }
  }
}
