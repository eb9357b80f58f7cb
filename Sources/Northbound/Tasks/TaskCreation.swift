import Cryptography
import Fleet
import HTTP

/// What a client asks for with `POST /devices/{device}/tasks`, checked.
struct TaskCreation: Sendable {
  var request: TaskRequest
  var once: Bool?
  var retriesOnDoubt = false
  var priority: Int16 = 0
  /// From now to the task's end at the latest.
  var deadlineSeconds = Self.defaultDeadline
  /// From now to the earliest dispatch.
  var delaySeconds: Int64 = 0
  var maximumAttempts: Int32 = 5
  var idempotencyKey: String?
  var dependsOn: UUID128?

  /// One day.
  static let defaultDeadline: Int64 = 86_400
  /// Thirty days: no task lives for ever.
  static let longestDeadline: Int64 = 2_592_000

  init(_ request: TaskRequest) { self.request = request }

  /// Reads a request's body and its field `Idempotency-Key`.
  init(_ request: APIRequest) throws(Problem) {
    var body = try BodyFields(request)
    let method = try body.requiredText("method", in: 1...64)
    let arguments = try body.members("arguments") ?? [:]
    self.init(try TaskArguments.request(method, arguments))
    once = try body.bool("once")
    if once == false, self.request.isOnceByNature {
      throw body.wrong("once", "cannot be false: \(method) is never repeated blindly")
    }
    retriesOnDoubt = try body.choice("on_doubt", ["fail", "retry"]) == "retry"
    priority = Int16(try body.integer("priority", in: -1000...1000) ?? 0)
    deadlineSeconds =
      try body.integer("deadline_seconds", in: 10...Self.longestDeadline) ?? Self.defaultDeadline
    delaySeconds = try body.integer("delay_seconds", in: 0...Self.longestDeadline) ?? 0
    guard delaySeconds < deadlineSeconds else { throw body.wrong("delay_seconds", "is past the deadline") }
    maximumAttempts = Int32(try body.integer("maximum_attempts", in: 1...20) ?? 5)
    if let text = try body.text("depends_on", in: 32...36) {
      guard let id = UUID128(text) else { throw body.wrong("depends_on", "is no UUID") }
      dependsOn = id
    }
    let member = try body.text("idempotency_key", in: 1...128)
    try body.end()
    idempotencyKey = try Self.key(member, request.head["idempotency-key"])
  }

  /// The key of the body or of the field, which draft-ietf-httpapi-idempotency-key-header writes in quotes.
  private static func key(_ member: String?, _ field: String?) throws(Problem) -> String? {
    guard var field else { return member }
    if field.count >= 2, field.hasPrefix("\""), field.hasSuffix("\"") { field = String(field.dropFirst().dropLast()) }
    guard (1...128).contains(field.utf8.count) else {
      throw Problem(.invalidField, "Idempotency-Key is to have 1 to 128 bytes", field: "Idempotency-Key")
    }
    guard member == nil || member == field else {
      throw Problem(.invalidField, "idempotency_key and the field Idempotency-Key differ", field: "idempotency_key")
    }
    return field
  }

  /// The task to queue.
  ///
  /// - Parameter now: the database's time, microseconds since 1970.
  func task(id: UUID128, device: UUID128, caller: Caller, now: Int64) -> RPCTask {
    var task = RPCTask(
      id: id, device: device, request: request, once: once, origin: .api, createdAt: now,
      deadline: now + deadlineSeconds * 1_000_000)
    task.originName = caller.name
    task.retriesOnDoubt = retriesOnDoubt
    task.priority = priority
    task.notBefore = now + delaySeconds * 1_000_000
    task.maximumAttempts = maximumAttempts
    task.idempotencyKey = idempotencyKey
    task.dependsOn = dependsOn
    return task
  }
}
