import HTTP
import Policy
import PostgreSQL

/// `/policies`.
struct PolicyResource: Sendable {
  let lanes: NorthboundLanes
  let read: @Sendable (_ text: String, _ name: String) throws(PolicyError) -> (name: String, priority: Int)

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/policies", "All policies by name.", list),
      Endpoint(
        .put, "/policies/{policy}", "Store a policy's document; another text is another version.", body: .yaml,
        answers: [200, 201], query: ["dry_run"], put),
      Endpoint(.get, "/policies/{policy}", "A policy with its document.") { request, _ in
        try request.allowQuery()
        return Self.response(try await find(try Self.name(request)))
      },
      Endpoint(.get, "/policies/{policy}/versions", "All versions of a policy, newest first.", versions),
      Endpoint(.post, "/policies/{policy}/enable", "Put a policy in force.") { request, caller in
        try await enable(request, caller, true)
      },
      Endpoint(.post, "/policies/{policy}/disable", "Take a policy out of force and keep it.") { request, caller in
        try await enable(request, caller, false)
      },
      Endpoint(
        .delete, "/policies/{policy}", "Delete a policy; its versions stay on record.", answers: [204], delete),
    ]
  }

  // MARK: - Reading

  private func list(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery()
    let rows = try await lanes.reading.query(PolicyStatements.list)
    let policies = try rows.map { try PolicyRecord($0) }
    return .json { json in
      json.key("policies")
      json.array(policies) { json, policy in json.object { policy.writeMembers(&$0) } }
    }
  }

  private func find(_ name: String) async throws -> PolicyRecord {
    guard let row = try await lanes.reading.query(PolicyStatements.find, .text(name)).first else {
      throw Self.missing(name)
    }
    return try PolicyRecord(row)
  }

  private func versions(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery()
    let rows = try await lanes.reading.query(PolicyStatements.versions, .text(try Self.name(request)))
    guard !rows.isEmpty else { throw Self.missing(try Self.name(request)) }
    return try .json { json in
      json.key("versions")
      try json.array(rows) { json, row in
        try json.object { json in
          json.member("version", try row.int32(0))
          json.member("document", try row.text(1))
          json.member("created_at", time: try row.timestamp(2))
          json.member("created_by", try row.text(3))
        }
      }
    }
  }

  // MARK: - Changing

  private func put(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery("dry_run")
    let name = try Self.name(request)
    let document = try Self.document(request)
    let policy: (name: String, priority: Int)
    do throws(PolicyError) {
      policy = try read(document, name)
    } catch {
      throw Self.problem(error)
    }
    guard policy.name == name else {
      throw Problem(.invalidPolicy, "the document is named '\(policy.name)' and the path '\(name)'", field: "name")
    }
    if request.queryValue("dry_run") == "true" {
      return .json { json in
        json.member("name", policy.name)
        json.member("priority", policy.priority)
        json.member("valid", true)
      }
    }
    let isNew = try await lanes.writing.retryingTransaction { transaction in
      try await store(name, document, request, caller, in: transaction)
    }
    return Self.response(try await find(name), isNew ? .created : .ok)
  }

  /// Whether there was no such policy.
  private func store(
    _ name: String, _ document: String, _ request: APIRequest, _ caller: Caller, in transaction: Transaction
  ) async throws -> Bool {
    let rows = try await transaction.pipeline([
      Call(PolicyStatements.lock), Call(PolicyStatements.find, .text(name)),
      Call(PolicyStatements.nextVersion, .text(name)),
    ])
    let before = try rows[1].first.map { try PolicyRecord($0) }
    try Self.checkPreconditions(request, before)
    // The same text again is no news, and wakes no device.
    if let before, before.document == document { return false }
    let version = try rows[2].first?.int32(0) ?? 1
    let parameters: [PostgreSQLValue] = [.text(name), .int32(version), .text(document), .text(caller.name)]
    try await transaction.pipeline([
      Call(PolicyStatements.put, parameters), Call(PolicyStatements.putVersion, parameters),
      Call(PolicyStatements.turn),
    ])
    return before == nil
  }

  private func enable(_ request: APIRequest, _ caller: Caller, _ enabled: Bool) async throws -> APIResponse {
    try await change(request) { before in
      before.enabled == enabled
        ? [] : [Call(PolicyStatements.enable, .text(before.name), .bool(enabled), .text(caller.name))]
    }
    return Self.response(try await find(try Self.name(request)))
  }

  private func delete(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try await change(request) { [Call(PolicyStatements.delete, .text($0.name))] }
    return APIResponse(.noContent)
  }

  private func change(_ request: APIRequest, _ calls: @Sendable (PolicyRecord) -> [Call]) async throws {
    try request.allowQuery()
    let name = try Self.name(request)
    try await lanes.writing.retryingTransaction { transaction in
      let rows = try await transaction.pipeline([
        Call(PolicyStatements.lock), Call(PolicyStatements.find, .text(name)),
      ])
      guard let row = rows[1].first else { throw Self.missing(name) }
      let before = try PolicyRecord(row)
      try Self.checkPreconditions(request, before)
      let calls = calls(before)
      if !calls.isEmpty { try await transaction.pipeline(calls + [Call(PolicyStatements.turn)]) }
    }
  }

  // MARK: - Pieces

  private static func name(_ request: APIRequest) throws(Problem) -> String { request.parameters["policy"] ?? "" }

  private static func missing(_ name: String) -> Problem {
    Problem(.notFound, "there is no policy '\(name)'", field: "policy")
  }

  private static func document(_ request: APIRequest) throws(Problem) -> String {
    let types = ["application/yaml", "application/x-yaml", "text/yaml", "text/plain"]
    let type = request.head["content-type"].map(BodyFields.mediaType)
    guard let type, types.contains(type) else {
      throw Problem(.unsupportedMediaType, "a policy is sent as application/yaml, not \(type ?? "without a type")")
    }
    guard let text = String(validating: request.body, as: UTF8.self), !text.utf8.contains(0) else {
      throw Problem(.malformedBody, "the document is not UTF-8")
    }
    return text
  }

  private static func problem(_ error: PolicyError) -> Problem {
    var problem = Problem(.invalidPolicy, "\(error.what); \(error.mend)")
    problem.line = error.line
    problem.column = error.column
    return problem
  }

  /// `If-Match` and `If-None-Match: *` (RFC 9110 §13.1).
  private static func checkPreconditions(_ request: APIRequest, _ before: PolicyRecord?) throws(Problem) {
    if request.head["if-none-match"] == "*", before != nil {
      throw Problem(.preconditionFailed, "there is a policy of that name already", field: "If-None-Match")
    }
    guard let wanted = request.head["if-match"] else { return }
    let tags = wanted.split(separator: ",").map { $0.filter { $0 != " " } }
    guard let before, tags.contains("*") || tags.contains(before.tag) else {
      throw Problem(
        .preconditionFailed, before.map { "the policy is at \($0.tag)" } ?? "there is no policy of that name",
        field: "If-Match")
    }
  }

  private static func response(_ policy: PolicyRecord, _ status: HTTPStatus = .ok) -> APIResponse {
    let response = APIResponse.json(status) { json in
      policy.writeMembers(&json)
      json.member("document", policy.document)
    }
    return response.with("ETag", policy.tag)
  }
}

/// A policy as it is stored.
struct PolicyRecord: Sendable {
  var name: String
  var version: Int32
  var enabled: Bool
  var document: String
  var changedAt: Int64
  var changedBy: String

  init(_ row: Row) throws(PostgreSQLError) {
    name = try row.text(0)
    version = try row.int32(1)
    enabled = try row.bool(2)
    document = try row.text(3)
    changedAt = try row.timestamp(4)
    changedBy = try row.text(5)
  }

  /// The entity tag: changes with the document and with enable and disable.
  var tag: String { "\"\(version)\(enabled ? "" : "-disabled")\"" }

  func writeMembers(_ json: inout JSONWriter) {
    json.member("name", name)
    json.member("version", version)
    json.member("enabled", enabled)
    json.member("changed_at", time: changedAt)
    json.member("changed_by", changedBy)
  }
}
