/// What a fleet has done so far.
public struct FleetStatistics: Sendable {
  /// Sessions that ended well.
  public internal(set) var completed = 0
  /// Sessions that did not, by ``SessionEnd/name``.
  public internal(set) var failures: [String: Int] = [:]
  /// Informs that the ACS has acknowledged.
  public internal(set) var acknowledgedInforms = 0
  /// HTTP requests sent.
  public internal(set) var posts = 0
  /// RPCs carried out, by method.
  public internal(set) var rpcs: [String: Int] = [:]
  /// Faults answered to RPCs, by code.
  public internal(set) var faults: [Int: Int] = [:]
  /// Connection requests answered with 200.
  public internal(set) var connectionRequests = 0
  /// Files fetched whole.
  public internal(set) var downloads = 0
  /// CPEs that have credentials of their own and the values expected, and have ended a session well since.
  public internal(set) var provisioned = 0
  /// Sessions open now.
  public internal(set) var open = 0
  /// CPEs that wait for their turn to connect.
  public internal(set) var waiting = 0
  /// From the first connect (in an open loop: from the intended begin) to the end of each session that ended well.
  public internal(set) var sessionLatency = LatencyRecorder()
  /// From each POST to the end of its answer.
  public internal(set) var postLatency = LatencyRecorder()
  /// From the last byte of each POST that brought an RPC's answer, or was answered with an RPC, to the first byte of
  /// its answer: what goes through the log and a worker, and back.
  public internal(set) var stepLatency = LatencyRecorder()
  /// Those of ``stepLatency`` whose POST brought an RPC's answer.
  public internal(set) var responseLatency = LatencyRecorder()

  /// Nothing yet.
  public init() {}

  /// Sessions ended in any way.
  public var ended: Int { completed + failures.values.reduce(0, +) }

  /// What was done after `earlier`.
  public func since(_ earlier: FleetStatistics) -> FleetStatistics {
    var rest = self
    rest.completed -= earlier.completed
    rest.acknowledgedInforms -= earlier.acknowledgedInforms
    rest.posts -= earlier.posts
    rest.connectionRequests -= earlier.connectionRequests
    rest.downloads -= earlier.downloads
    rest.failures.merge(earlier.failures) { $0 - $1 }
    rest.rpcs.merge(earlier.rpcs) { $0 - $1 }
    rest.faults.merge(earlier.faults) { $0 - $1 }
    rest.sessionLatency.subtract(earlier.sessionLatency)
    rest.postLatency.subtract(earlier.postLatency)
    rest.stepLatency.subtract(earlier.stepLatency)
    rest.responseLatency.subtract(earlier.responseLatency)
    return rest
  }

  mutating func add(_ report: SessionReport) {
    if report.end == .completed {
      completed += 1
      sessionLatency.record(report.microseconds)
    } else {
      failures[report.end.name, default: 0] += 1
    }
    if report.acknowledgedAt != nil { acknowledgedInforms += 1 }
    posts += report.posts
    for rpc in report.rpcs {
      rpcs[rpc.method, default: 0] += 1
      if rpc.fault != 0 { faults[rpc.fault, default: 0] += 1 }
    }
  }

  mutating func add(_ other: FleetStatistics) {
    completed += other.completed
    failures.merge(other.failures, uniquingKeysWith: +)
    acknowledgedInforms += other.acknowledgedInforms
    posts += other.posts
    rpcs.merge(other.rpcs, uniquingKeysWith: +)
    faults.merge(other.faults, uniquingKeysWith: +)
    connectionRequests += other.connectionRequests
    downloads += other.downloads
    provisioned += other.provisioned
    open += other.open
    waiting += other.waiting
    sessionLatency.add(other.sessionLatency)
    postLatency.add(other.postLatency)
    stepLatency.add(other.stepLatency)
    responseLatency.add(other.responseLatency)
  }
}
