import Cryptography
import DataModel
import Fleet
import PostgreSQL

/// A task as the API shows it, live or of the history.
struct TaskRecord: Sendable {
  var id: UUID128
  var device: UUID128
  var identity: String
  var method: String
  /// As stored: with secrets.
  var arguments: [UInt8]
  var state: RPCTask.State
  var once: Bool
  var priority: Int16
  var origin: RPCTask.Origin
  var originName: String
  var idempotencyKey: String?
  var attempt: Int32
  var lost: Int32
  var result: [UInt8]?
  var fault: [UInt8]?
  var version: Int32
  var createdAt: Int64
  var dispatchedAt: Int64?
  var finishedAt: Int64?
  /// What only a live task has.
  var live: Live?

  struct Live: Sendable {
    var retriesOnDoubt: Bool
    var dependsOn: UUID128?
    var maximumAttempts: Int32
    var notBefore: Int64
    var deadline: Int64
  }

  /// The columns of a live task, then of one in the history, for `FROM task t` and `FROM task_history t` with
  /// `LEFT JOIN device d`.
  static let liveColumns = """
    t.id, t.device, coalesce(d.identity, ''), t.method, t.arguments, t.state, t.once, t.priority, t.origin,
    t.origin_name, t.idempotency_key, t.attempt, t.lost, t.result, t.fault, t.version, t.created_at, t.dispatched_at,
    NULL::timestamptz, t.retries_on_doubt, t.depends_on, t.maximum_attempts, t.not_before, t.deadline
    """
  static let historyColumns = """
    t.id, t.device, coalesce(d.identity, ''), t.method, t.arguments, t.state, t.once, t.priority, t.origin,
    t.origin_name, t.idempotency_key, t.attempt, t.lost, t.result, t.fault, t.version, t.created_at, t.dispatched_at,
    t.finished_at, NULL::boolean, NULL::uuid, NULL::integer, NULL::timestamptz, NULL::timestamptz
    """

  init(_ row: Row) throws(PostgreSQLError) {
    id = try row.uuid(0)
    device = try row.uuid(1)
    identity = try row.text(2)
    method = try row.text(3)
    arguments = try row.json(4)
    guard let state = RPCTask.State(rawValue: try row.int16(5)),
      let origin = RPCTask.Origin(rawValue: try row.int16(8))
    else { throw PostgreSQLError(.decode, "task \(id) has a state or origin that this version does not know") }
    self.state = state
    once = try row.bool(6)
    priority = try row.int16(7)
    self.origin = origin
    originName = try row.text(9)
    idempotencyKey = try row.optionalText(10)
    attempt = try row.int32(11)
    lost = try row.int32(12)
    result = try row.optionalJSON(13)
    fault = try row.optionalJSON(14)
    version = try row.int32(15)
    createdAt = try row.timestamp(16)
    dispatchedAt = try row.optionalTimestamp(17)
    finishedAt = try row.optionalTimestamp(18)
    guard !row.isNull(19) else { return }
    live = Live(
      retriesOnDoubt: try row.bool(19), dependsOn: try row.optionalUUID(20), maximumAttempts: try row.int32(21),
      notBefore: try row.timestamp(22), deadline: try row.timestamp(23))
  }

  // MARK: - As JSON

  func write(_ json: inout JSONWriter) {
    json.object { json in
      json.member("id", id.description)
      json.member("device", device.description)
      json.member("identity", identity)
      json.member("method", method)
      json.member("arguments", json: Self.masked(method, arguments))
      json.member("state", state.name)
      json.member("once", once)
      json.member("priority", priority)
      json.member("origin", origin.name)
      json.member("origin_name", originName)
      json.member("idempotency_key", idempotencyKey)
      json.member("attempt", attempt)
      json.member("lost", lost)
      json.member("created_at", time: createdAt)
      json.member("dispatched_at", time: dispatchedAt)
      json.member("finished_at", time: finishedAt)
      if let live {
        json.member("on_doubt", live.retriesOnDoubt ? "retry" : "fail")
        json.member("depends_on", live.dependsOn?.description)
        json.member("maximum_attempts", live.maximumAttempts)
        json.member("not_before", time: live.notBefore)
        json.member("deadline", time: live.deadline)
      }
      json.member("result", json: result)
      json.member("fault", json: fault)
      json.member("version", version)
    }
  }

  /// What stands for a secret.
  static let mask = "********"

  /// The arguments without their secrets: values of secret parameters, passwords of transfers and in their URLs.
  static func masked(_ method: String, _ arguments: [UInt8]) -> [UInt8] {
    guard method == "SetParameterValues" || method == "Download" else { return arguments }
    switch try? TaskRequest(method: method, arguments: arguments) {
    case .setParameterValues(let settings, let key):
      guard settings.contains(where: isSecret) else { return arguments }
      let shown = settings.map { setting in
        var shown = setting
        if isSecret(setting) { shown.value = mask }
        return shown
      }
      return TaskRequest.setParameterValues(shown, parameterKey: key).arguments
    case .download(var transfer):
      if !transfer.password.isEmpty { transfer.password = mask }
      transfer.url = withoutUser(transfer.url)
      return TaskRequest.download(transfer).arguments
    default: return Array("{}".utf8)
    }
  }

  private static func isSecret(_ setting: TaskRequest.Setting) -> Bool {
    ParameterPath(reported: setting.name)?.isSecret ?? true
  }

  /// `http://user:password@host/` without what stands before the `@`.
  private static func withoutUser(_ url: String) -> String {
    guard let scheme = url.firstIndex(of: "/"), url[scheme...].hasPrefix("//") else { return url }
    let start = url.index(scheme, offsetBy: 2)
    let authority = url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard let at = authority.lastIndex(of: "@") else { return url }
    return String(url[..<start]) + mask + url[at...]
  }
}
