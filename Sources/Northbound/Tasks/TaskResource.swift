import Cryptography
import Fleet
import HTTP
import PostgreSQL

/// `/tasks` and `/devices/{device}/tasks`.
struct TaskResource: Sendable {
  let lanes: NorthboundLanes
  let devices: DeviceLookup
  let watch: TaskWatch
  let maximumLive: Int32
  let ids = UUIDv7Generator()

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .post, "/devices/{device}/tasks", "Queue a task for a device.", body: .json, answers: [200, 202],
        query: ["wait"], create),
      Endpoint(
        .get, "/devices/{device}/tasks", "The device's tasks, newest first.",
        query: ["state", "method", "limit", "cursor"]
      ) { request, _ in
        try await list(request, device: try await devices.id(of: request))
      },
      Endpoint(
        .get, "/tasks", "The fleet's tasks, newest first.", query: ["state", "method", "limit", "cursor"]
      ) { request, _ in try await list(request, device: nil) },
      Endpoint(.get, "/tasks/{task}", "A task, live or finished.", query: ["wait"]) { request, _ in
        try request.allowQuery("wait")
        let id = try request.identifier("task")
        return .json(bytes: Self.json(try await settled(try await find(id), seconds: try request.waitSeconds())))
      },
      Endpoint(.post, "/tasks/{task}/cancel", "Call off a task that is still queued.", cancel),
      Endpoint(
        .post, "/tasks/{task}/redrive", "Queue a finished, unsuccessful task anew, as another task.",
        answers: [200, 202], query: ["wait"], redrive),
    ]
  }

  // MARK: - Making

  private func create(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery("wait")
    let seconds = try request.waitSeconds()
    let creation = try TaskCreation(request)
    let device = try await devices.id(of: request)
    return try await queue(creation, device: device, caller, seconds: seconds)
  }

  private func queue(
    _ creation: TaskCreation, device: UUID128, _ caller: Caller, seconds: Int64
  ) async throws -> APIResponse {
    let (made, isNew) = try await lanes.writing.retryingTransaction { transaction in
      try await insert(creation, device: device, caller, in: transaction)
    }
    // Committed: from here on the client may be told (P2), and must be: an error would have it ask once more.
    let record = (try? await settled(made, seconds: seconds)) ?? made
    let done = seconds > 0 && record.state.isFinal
    var response = APIResponse.json(done ? .ok : .accepted, bytes: Self.json(record))
      .with("Location", "\(Endpoint.base)/tasks/\(record.id)")
    if !isNew { response.fields.add("Idempotent-Replayed", "true") }
    return response
  }

  /// The task, and whether it was made now.
  private func insert(
    _ creation: TaskCreation, device: UUID128, _ caller: Caller, in transaction: Transaction
  ) async throws -> (TaskRecord, Bool) {
    if let key = creation.idempotencyKey {
      let found = try await transaction.pipeline([
        Call(TaskStatements.lockKey, .uuid(device), .text(key)), Call(TaskStatements.ofKey, .uuid(device), .text(key)),
      ])[1]
      if let row = found.first { return (try Self.replayed(TaskRecord(row), creation), false) }
    }
    guard let row = try await transaction.query(TaskStatements.prepare, .uuid(device)).first else {
      throw Problem(.notFound, "the device was deleted", field: "device")
    }
    guard try row.int32(1) < maximumLive else {
      throw Problem(.tooMany, "the device has \(maximumLive) live tasks already")
    }
    var creation = creation
    try await resolveDependency(&creation, device: device, in: transaction)
    let now = try row.timestamp(0)
    let task = creation.task(id: ids.next(milliseconds: now / 1000), device: device, caller: caller, now: now)
    try await TaskStore.insert([task], in: transaction)
    guard let made = try await transaction.query(TaskStatements.find, .uuid(task.id)).first else {
      throw Problem(.internalError, "the task that was queued is not there")
    }
    return (try TaskRecord(made), true)
  }

  /// The task that the same request made before.
  private static func replayed(_ record: TaskRecord, _ creation: TaskCreation) throws -> TaskRecord {
    let before = try? TaskRequest(method: record.method, arguments: record.arguments)
    let isSame =
      before == creation.request && record.priority == creation.priority
      && record.once == (creation.once ?? creation.request.isOnceByNature)
      && (record.live.map { $0.retriesOnDoubt == creation.retriesOnDoubt } ?? true)
    guard isSame else {
      throw Problem(
        .idempotencyKeyReused, "task \(record.id) was made with this key by another request", field: "idempotency_key")
    }
    return record
  }

  private func resolveDependency(
    _ creation: inout TaskCreation, device: UUID128, in transaction: Transaction
  ) async throws {
    guard let other = creation.dependsOn else { return }
    let row = try await transaction.pipeline([
      Call(TaskStatements.lockDependency, .uuid(other), .uuid(device)),
      Call(TaskStatements.dependency, .uuid(other), .uuid(device)),
    ])[1].first
    let state = try row.map { RPCTask.State(rawValue: try $0.int16(0)) } ?? nil
    switch state {
    case .succeeded: creation.dependsOn = nil
    case let state? where !state.isFinal: break
    case let state?:
      throw Problem(.invalidField, "depends_on names a task that is \(state.name)", field: "depends_on")
    case nil: throw Problem(.invalidField, "depends_on names no task of this device", field: "depends_on")
    }
  }

  private func redrive(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery("wait")
    let seconds = try request.waitSeconds()
    let record = try await find(try request.identifier("task"))
    guard record.state.isFinal, record.state != .succeeded else {
      var problem = Problem(.conflict, "a task that is \(record.state.name) cannot be queued anew", field: "task")
      problem.state = record.state.name
      throw problem
    }
    guard let again = try? TaskRequest(method: record.method, arguments: record.arguments) else {
      throw Problem(.conflict, "this version does not know the task's request", field: "task")
    }
    var creation = TaskCreation(again)
    creation.once = record.once
    creation.priority = record.priority
    // Two redrives of one task are one.
    creation.idempotencyKey = "redrive-\(record.id)"
    return try await queue(creation, device: record.device, caller, seconds: seconds)
  }

  // MARK: - Reading

  private func find(_ id: UUID128) async throws -> TaskRecord {
    guard let row = try await lanes.reading.query(TaskStatements.find, .uuid(id)).first else {
      throw Problem(.notFound, "there is no task \(id); finished ones are kept for a time", field: "task")
    }
    return try TaskRecord(row)
  }

  /// The task once it is over, or as it stands when the time is.
  private func settled(_ record: TaskRecord, seconds: Int64) async throws -> TaskRecord {
    if seconds == 0 || record.state.isFinal { return record }
    try await watch.wait(for: record.id, seconds: seconds)
    return try await find(record.id)
  }

  private func list(_ request: APIRequest, device: UUID128?) async throws -> APIResponse {
    try request.allowQuery("state", "method", "limit", "cursor")
    let page = try Page(request)
    let states = try Self.states(request.queryValue("state"))
    let statement = TaskStatements.list(
      ofDevice: device != nil, live: states.contains { !$0.isFinal }, history: states.contains { $0.isFinal })
    var parameters: [PostgreSQLValue] = [
      .uuid(page.after ?? UUID128(high: .max, low: .max)), .int64(Int64(page.limit + 1)),
      .int16s(states.map(\.rawValue)), .text(orNull: request.queryValue("method")),
    ]
    if let device { parameters.append(.uuid(device)) }
    let rows = try await lanes.reading.search(statement, parameters)
    let records = try rows.map { try TaskRecord($0) }
    return .page(page, "tasks", records, key: \.id) { $1.write(&$0) }
  }

  /// States by name, comma-separated; `live` and `finished` stand for several.
  static func states(_ text: String?) throws(Problem) -> [RPCTask.State] {
    guard let text else { return RPCTask.State.allCases }
    var states: Set<RPCTask.State> = []
    for name in text.split(separator: ",") {
      switch name {
      case "live": states.formUnion(RPCTask.State.allCases.filter { !$0.isFinal })
      case "finished": states.formUnion(RPCTask.State.allCases.filter(\.isFinal))
      default:
        guard let state = RPCTask.State.allCases.first(where: { $0.name == name }) else {
          let known = RPCTask.State.allCases.map(\.name).joined(separator: ", ")
          throw Problem(
            .invalidField, "state '\(name)' is not known; known are live, finished, \(known)", field: "state")
        }
        states.insert(state)
      }
    }
    return RPCTask.State.allCases.filter(states.contains)
  }

  // MARK: - Calling off

  private func cancel(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    let id = try request.identifier("task")
    try await lanes.writing.retryingTransaction { transaction in
      guard let row = try await transaction.query(TaskStatements.lock, .uuid(id)).first,
        try row.int16(0) == RPCTask.State.queued.rawValue
      else { return }
      let fault = JSONWriter.object { json in
        json.member("code", 9)
        json.member("message", "cancelled by \(caller.name)")
      }
      try await TaskStore.finish(
        [id], .cancelled, fault: String(decoding: fault, as: UTF8.self), in: transaction)
    }
    let record = try await find(id)
    guard record.state == .cancelled else {
      var problem = Problem(.taskNotQueued, "the task is \(record.state.name); only queued ones can be cancelled")
      problem.state = record.state.name
      throw problem
    }
    return .json(bytes: Self.json(record))
  }

  private static func json(_ record: TaskRecord) -> [UInt8] {
    var json = JSONWriter()
    record.write(&json)
    return json.bytes
  }
}
