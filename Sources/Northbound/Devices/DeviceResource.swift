import Cryptography
import Fleet
import HTTP
import PostgreSQL

/// `/devices` and `/held-devices`.
struct DeviceResource: Sendable {
  let lanes: NorthboundLanes
  let devices: DeviceLookup

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/devices", "Devices by id.", query: DeviceQuery.names + ["limit", "cursor"], list),
      Endpoint(.get, "/devices/{device}", "One device, by id or identity.", show),
      Endpoint(
        .delete, "/devices/{device}", "Forget a device that is not at work.", answers: [204], delete),
      Endpoint(.put, "/devices/{device}/tags", "Replace the device's tags.", body: .json, setTags),
      Endpoint(
        .get, "/devices/{device}/parameters", "What is known of the device's parameters.", query: ["path", "view"]
      ) { request, _ in
        try request.allowQuery("path", "view")
        let id = try await devices.id(of: request)
        return try await ParameterTree(lanes.reading, id).response(request)
      },
      Endpoint(
        .post, "/devices/{device}/release",
        "Let a held device come with the bootstrap credential again for a time.", body: .json, release),
      Endpoint(
        .get, "/held-devices", "Devices that came with the bootstrap credential though they have their own.",
        query: ["limit", "cursor"], listHeld),
    ]
  }

  // MARK: - Reading

  private func list(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    for (name, _) in request.query where !(DeviceQuery.names + ["limit", "cursor"]).contains(name) {
      throw Problem(
        .invalidField, "'\(name)' filters nothing; known are \(DeviceQuery.names.joined(separator: ", "))", field: name)
    }
    let page = try Page(request)
    let query = try DeviceQuery(request, page)
    let rows = try await lanes.reading.search(query.statement, query.parameters)
    let records = try rows.map { try DeviceRecord($0) }
    return try .page(page, "devices", records, key: \.id) { json, record in
      try json.object { try record.writeMembers(&$0) }
    }
  }

  private func show(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    let id = PostgreSQLValue.uuid(try await devices.id(of: request))
    let rows = try await lanes.reading.pipeline([
      Call(DeviceStatements.find, id), Call(DeviceStatements.contact, id), Call(DeviceStatements.session, id),
      Call(DeviceStatements.credential, id), Call(DeviceStatements.policies, id), Call(DeviceStatements.wakeup, id),
    ])
    guard let device = rows[0].first else { throw Problem(.notFound, "the device was deleted", field: "device") }
    let record = try DeviceRecord(device)
    return try .json { json in
      try record.writeMembers(&json)
      try record.writeDetails(&json)
      try Self.write(rows[1].first, "contact", &json, Self.writeContact)
      try Self.write(rows[2].first, "session", &json, Self.writeSession)
      try Self.write(rows[3].first, "credentials", &json, Self.writeCredential)
      json.key("policies_in_trouble")
      try json.array(rows[4]) { json, row in try json.object { try Self.writeStanding(row, &$0) } }
      try Self.write(rows[5].first, "wakeup", &json, Self.writeWakeup)
    }
  }

  private static func write(
    _ row: Row?, _ name: String, _ json: inout JSONWriter, _ body: (Row, inout JSONWriter) throws -> Void
  ) throws {
    json.key(name)
    if let row { try json.object { try body(row, &$0) } } else { json.null() }
  }

  private static func writeContact(_ row: Row, _ json: inout JSONWriter) throws {
    json.member("last_inform", time: try row.timestamp(0))
    json.member("last_session", try row.uuid(1).description)
    let due = try row.timestamp(2)
    json.member("next_due", time: due < 0 || due > 253_402_300_799_999_999 ? nil : due)
    json.member("event_seq", try row.int64(3))
  }

  private static func writeSession(_ row: Row, _ json: inout JSONWriter) throws {
    json.member("id", try row.uuid(0).description)
    json.member("events", try row.texts(1))
    json.member("rounds", try row.int16(3))
    json.member("rpcs", try row.int16(4))
    json.member("task", try row.optionalUUID(5)?.description)
    json.member("last_post_at", time: try row.timestamp(6))
  }

  private static func writeCredential(_ row: Row, _ json: inout JSONWriter) throws {
    let hasOwn = try row.bool(1)
    let hasPending = try row.bool(2)
    json.member("username", try row.text(0))
    json.member("state", hasOwn ? (hasPending ? "changing" : "own") : hasPending ? "pending" : "bootstrap")
    json.member("connection_request", try row.bool(3))
    json.member("readmit_until", time: try row.optionalTimestamp(4))
    json.member("held_at", time: try row.optionalTimestamp(5))
    json.member("held_peer", try row.text(6))
    json.member("held_count", try row.int64(7))
    json.member("changed_at", time: try row.timestamp(8))
  }

  private static func writeStanding(_ row: Row, _ json: inout JSONWriter) throws {
    let code = try row.optionalInt32(3)
    json.member("policy", try row.text(0))
    json.member("version", try row.int32(1))
    json.member("failures", try row.int32(2))
    json.key("code")
    if let code { json.value(code) } else { json.null() }
    json.member("message", code == nil ? "the device takes the value and reports another" : try row.text(4))
    json.member("path", try row.text(5))
    json.member("retry_at", time: try row.timestamp(6))
  }

  private static func writeWakeup(_ row: Row, _ json: inout JSONWriter) throws {
    json.member("next_try", time: try row.timestamp(0))
    json.member("tries", try row.int32(1))
    json.member("asked_at", time: try row.optionalTimestamp(2))
    json.member("failure", try row.text(3))
  }

  // MARK: - Changing

  private func setTags(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    var body = try BodyFields(request)
    guard let tags = try body.texts("tags", atMost: 64, in: 1...64) else { throw body.wrong("tags", "is missing") }
    try body.end()
    for (index, tag) in tags.enumerated() where !Names.isTag(tag) {
      throw body.wrong("tags[\(index)]", "has other characters than letters, digits and -_.:/@+")
    }
    let id = try await devices.id(of: request)
    // One pipeline is one transaction: no Inform sees the one without the other.
    let rows = try await lanes.writing.pipeline(
      [
        Call(DeviceStatements.setTags, .uuid(id), .texts(Set(tags).sorted())), Call(DeviceStatements.touch, .uuid(id)),
      ], alone: true)
    guard let row = rows[0].first else { throw Problem(.notFound, "the device was deleted", field: "device") }
    return try .json { try DeviceRecord(row).writeMembers(&$0) }
  }

  private func delete(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    let id = try await devices.id(of: request)
    try await lanes.writing.retryingTransaction { transaction in
      let rows = try await transaction.pipeline([
        // In the worker's order; one that was queued before the device was locked is seen the second time.
        Call(DeviceStatements.lockTasks, .uuid(id)), Call(DeviceStatements.lock, .uuid(id)),
        Call(DeviceStatements.lockTasks, .uuid(id)), Call(DeviceStatements.session, .uuid(id)),
      ])
      let queued = try rows[2].filter { try $0.int16(1) == RPCTask.State.queued.rawValue }.map { try $0.uuid(0) }
      guard queued.count == rows[2].count, rows[3].isEmpty else {
        throw Problem(.conflict, "the device has a session or tasks under way; try again when they are over")
      }
      let fault = #"{"code":10,"message":"the device was deleted"}"#
      try await TaskStore.finish(queued, .cancelled, fault: fault, in: transaction)
      try await transaction.pipeline(
        (DeviceStatements.deletions + [DeviceStatements.delete]).map { Call($0, .uuid(id)) })
    }
    return APIResponse(.noContent)
  }

  private func release(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    var body = try BodyFields(request)
    let seconds = try body.integer("for_seconds", in: 60...604_800) ?? 3600
    try body.end()
    let id = try await devices.id(of: request)
    guard let row = try await lanes.writing.query(DeviceStatements.release, .uuid(id), .int64(seconds)).first else {
      throw Problem(.conflict, "the device has no credentials of its own: nothing holds it", field: "device")
    }
    let until = try row.timestamp(0)
    return .json { json in
      json.member("device", id.description)
      json.member("readmit_until", time: until)
    }
  }

  private func listHeld(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery("limit", "cursor")
    let page = try Page(request)
    let rows = try await lanes.reading.query(
      DeviceStatements.held, .uuid(page.after ?? .zero), .int64(Int64(page.limit + 1)))
    return try .page(page, "devices", Array(rows), key: Page.key) { json, row in
      try json.object { json in
        json.member("device", try row.uuid(0).description)
        json.member("identity", try row.text(1))
        json.member("held_at", time: try row.timestamp(2))
        json.member("held_peer", try row.text(3))
        json.member("held_count", try row.int64(4))
        json.member("readmit_until", time: try row.optionalTimestamp(5))
      }
    }
  }
}
