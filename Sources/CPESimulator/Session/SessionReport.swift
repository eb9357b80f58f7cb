public import CWMP

/// How a simulated CPE's session ended.
public enum SessionEnd: Sendable, Hashable {
  /// The ACS had nothing more to say.
  case completed
  /// No connection could be made.
  case connectFailed
  /// The connection broke before an answer was complete.
  case connectionLost
  /// No answer in time.
  case timedOut
  /// The ACS did not accept the credentials.
  case unauthorized
  /// An HTTP status that ends a session; `retryAfter` in seconds, where given.
  case refused(status: Int, retryAfter: Int?)
  /// The ACS answered a request of the CPE with this fault.
  case fault(code: Int)
  /// What came is no CWMP, or not the answer to what was sent.
  case malformed(String)
  /// The CPE broke off on purpose.
  case misbehaved

  /// A short name for counts.
  public var name: String {
    switch self {
    case .completed: "completed"
    case .connectFailed: "connect_failed"
    case .connectionLost: "connection_lost"
    case .timedOut: "timed_out"
    case .unauthorized: "unauthorized"
    case .refused(let status, _): "status_\(status)"
    case .fault(let code): "fault_\(code)"
    case .malformed: "malformed"
    case .misbehaved: "misbehaved"
    }
  }
}

/// An RPC that a simulated CPE has carried out.
public struct ExecutedRPC: Sendable, Hashable {
  /// The method's name.
  public var method: String
  /// The text of `cwmp:ID`; empty if there was none.
  public var id: String
  /// The CommandKey, of the methods that have one.
  public var commandKey = ""
  /// The fault that was answered; 0 for a response.
  public var fault = 0
  /// What a SetParameterValues without fault has set. Never holds passwords.
  public var values: [String: String] = [:]
  /// The instance that AddObject has made or DeleteObject has deleted.
  public var object = ""
}

/// What happened in a simulated CPE's session.
public struct SessionReport: Sendable, Hashable {
  /// The CPE's number, from 0.
  public var index: UInt32
  /// The how manieth session of the CPE it was, from 1.
  public var number: UInt32 = 0
  /// The events of its Inform.
  public var events: [EventStruct]
  /// How often the session had been tried before.
  public var retryCount: UInt32
  /// When the InformResponse came, in milliseconds since 1970: from then on the events are the ACS's; nil if it did
  /// not.
  public var acknowledgedAt: Int64?
  /// The CommandKeys of the TransferCompletes that the ACS has answered.
  public var toldTransfers: [String] = []
  /// How it ended.
  public var end = SessionEnd.completed
  /// The RPCs that it carried out, in order.
  public var rpcs: [ExecutedRPC] = []
  /// HTTP requests sent.
  public var posts = 0
  /// When it began, in milliseconds since 1970.
  public var startedAt: Int64
  /// How long it took, in microseconds.
  public var microseconds: Int64 = 0
}
