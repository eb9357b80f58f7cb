import Cryptography
import Fleet
import FoundationEssentials
import HTTP
import PostgreSQL

/// `/campaigns`.
struct CampaignResource: Sendable {
  let lanes: NorthboundLanes
  let ids = UUIDv7Generator()

  var endpoints: [Endpoint] {
    [
      Endpoint(.post, "/campaigns", "Bring an image to devices.", body: .json, answers: [201], create),
      Endpoint(.get, "/campaigns", "Campaigns, newest first.", query: ["limit", "cursor"], list),
      Endpoint(.get, "/campaigns/{campaign}", "A campaign, by id or name, with counts of devices by state.") {
        request, _ in
        try request.allowQuery()
        return try await response(try await find(request))
      },
      Endpoint(
        .get, "/campaigns/{campaign}/devices", "The campaign's devices.", query: ["state", "limit", "cursor"],
        devices),
      Endpoint(.post, "/campaigns/{campaign}/pause", "Begin no more downloads.") { request, _ in
        try await turn(request, to: .paused, from: [.running])
      },
      Endpoint(.post, "/campaigns/{campaign}/resume", "Go on after a pause.") { request, _ in
        try await turn(request, to: .running, from: [.paused])
      },
      Endpoint(
        .post, "/campaigns/{campaign}/cancel", "Call off what has not been sent; what was sent goes on."
      ) { request, _ in try await turn(request, to: .cancelled, from: [.running, .paused]) },
    ]
  }

  // MARK: - Making

  private func create(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    var body = try BodyFields(request)
    let name = try body.requiredText("name", in: 1...64)
    guard Names.isName(name) else { throw body.wrong("name", "has other characters than letters, digits and -_.") }
    let image = try body.requiredText("image", in: 1...64)
    let rate = try body.integer("rate_per_minute", in: 1...1_000_000) ?? 60
    let concurrency = try body.integer("concurrency", in: 1...1_000_000) ?? 100
    let state = try body.choice("state", ["running", "paused"]) == "paused" ? Campaign.State.paused : .running
    var fields = try body.object("filter")
    let filter = try Self.filter(&fields)
    try body.end()
    let now = try await lanes.writing.query(CampaignStatements.now)[0].timestamp(0)
    let id = ids.next(milliseconds: now / 1000)
    do {
      _ = try await lanes.writing.query(
        CampaignStatements.insert, .uuid(id), .text(name), .text(image), .text(filter), .int32(Int32(rate)),
        .int32(Int32(concurrency)), .int16(state.rawValue))
    } catch {
      switch error.sqlState {
      case "23505": throw Problem(.conflict, "there is a campaign named '\(name)'", field: "name")
      case "23503": throw body.wrong("image", "names no image; register it at /firmware first")
      default: throw error
      }
    }
    guard let row = try await lanes.reading.query(CampaignStatements.find, .uuid(id)).first else {
      throw Problem(.notFound, "the campaign was deleted", field: "campaign")
    }
    return try await response(row, .created).with("Location", "\(Endpoint.base)/campaigns/\(id)")
  }

  /// The filter as the scheduler reads it.
  private static func filter(_ fields: inout BodyFields?) throws(Problem) -> String {
    var filter = Campaign.Filter()
    guard var body = fields else { return "{}" }
    func some(_ name: String, _ texts: [String]?) throws(Problem) -> [String]? {
      if texts?.isEmpty == true { throw body.wrong(name, "is empty; leave it out to match every device") }
      return texts
    }
    filter.oui = try some("oui", try body.texts("oui", atMost: 256, in: 6...6))?.map { $0.uppercased() }
    filter.productClass = try some("product_class", try body.texts("product_class", atMost: 256))
    filter.softwareVersion = try some("software_version", try body.texts("software_version", atMost: 256))
    filter.hardwareVersion = try some("hardware_version", try body.texts("hardware_version", atMost: 256))
    filter.tags = try some("tags", try body.texts("tags", atMost: 64, in: 1...64))
    var devices: [UUID128] = []
    let names = try some("devices", try body.texts("devices", atMost: 10_000, in: 32...36))
    for (index, name) in (names ?? []).enumerated() {
      guard let id = UUID128(name) else { throw body.wrong("devices[\(index)]", "is no UUID") }
      devices.append(id)
    }
    if names != nil { filter.devices = devices }
    try body.end()
    // Strings and lists of strings: there is nothing here that JSON cannot hold.
    return (try? JSONEncoder().encode(filter)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  // MARK: - Reading

  private func find(_ request: APIRequest) async throws -> Row {
    let text = request.parameters["campaign"] ?? ""
    let rows =
      if let id = UUID128(text) {
        try await lanes.reading.query(CampaignStatements.find, .uuid(id))
      } else {
        try await lanes.reading.query(CampaignStatements.findByName, .text(text))
      }
    guard let row = rows.first else {
      throw Problem(.notFound, "no campaign has the id or name '\(text.prefix(100))'", field: "campaign")
    }
    return row
  }

  private func list(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery("limit", "cursor")
    let page = try Page(request)
    let rows = try await lanes.reading.query(
      CampaignStatements.list, .uuid(page.after ?? UUID128(high: .max, low: .max)), .int64(Int64(page.limit + 1)))
    return try .page(page, "campaigns", Array(rows), key: Page.key) { json, row in
      try json.object { try Self.write(row, &$0) }
    }
  }

  private func response(_ row: Row, _ status: HTTPStatus = .ok) async throws -> APIResponse {
    let counts = try await lanes.reading.query(CampaignStatements.counts, .uuid(try row.uuid(0)))
    return try .json(status) { json in
      try Self.write(row, &json)
      try json.member("devices") { json in
        for state in Campaign.DeviceState.allCases {
          let count = try counts.first { try $0.int16(0) == state.rawValue }?.int64(1)
          json.member(state.name, count ?? 0)
        }
      }
    }
  }

  private static func write(_ row: Row, _ json: inout JSONWriter) throws {
    json.member("id", try row.uuid(0).description)
    json.member("name", try row.text(1))
    json.member("image", try row.text(2))
    json.member("filter", json: try row.json(3))
    json.member("rate_per_minute", try row.int32(4))
    json.member("concurrency", try row.int32(5))
    json.member("state", Campaign.State(rawValue: try row.int16(6))?.name ?? "unknown")
    json.member("planned", try row.bool(7))
    json.member("version", try row.int32(8))
    json.member("created_at", time: try row.timestamp(9))
    json.member("changed_at", time: try row.timestamp(10))
  }

  private func devices(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery("state", "limit", "cursor")
    let page = try Page(request)
    var states = Campaign.DeviceState.allCases
    if let text = request.queryValue("state") {
      let names = text.split(separator: ",")
      states = states.filter { state in names.contains { $0 == state.name } }
      guard states.count == Set(names).count else {
        let known = Campaign.DeviceState.allCases.map(\.name).joined(separator: ", ")
        throw Problem(.invalidField, "state is to be of \(known)", field: "state")
      }
    }
    let campaign = try await find(request).uuid(0)
    let rows = try await lanes.reading.query(
      CampaignStatements.devices, .uuid(campaign), .uuid(page.after ?? .zero), .int64(Int64(page.limit + 1)),
      .int16s(states.map(\.rawValue)))
    return try .page(page, "devices", Array(rows), key: Page.key) { json, row in
      try json.object { json in
        json.member("device", try row.uuid(0).description)
        json.member("identity", try row.text(1))
        json.member("state", Campaign.DeviceState(rawValue: try row.int16(2))?.name ?? "unknown")
        json.member("task", try row.optionalUUID(3)?.description)
        json.member("detail", try row.text(4))
        json.member("changed_at", time: try row.timestamp(5))
      }
    }
  }

  // MARK: - Changing

  /// Already there is as good as done.
  private func turn(
    _ request: APIRequest, to state: Campaign.State, from states: [Campaign.State]
  ) async throws -> APIResponse {
    try request.allowQuery()
    let id = try await find(request).uuid(0)
    _ = try await lanes.writing.query(
      CampaignStatements.turn, .uuid(id), .int16(state.rawValue), .int16s(states.map(\.rawValue)))
    let row = try await find(request)
    guard try row.int16(6) == state.rawValue else {
      let present = Campaign.State(rawValue: try row.int16(6))?.name ?? "unknown"
      var problem = Problem(.conflict, "the campaign is \(present)", field: "campaign")
      problem.state = present
      throw problem
    }
    return try await response(row)
  }
}
