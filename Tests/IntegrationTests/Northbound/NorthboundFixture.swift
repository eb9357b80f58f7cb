import Cryptography
import EventLog
import Fleet
import HTTP
import Networking
import Operations
import PostgreSQL

@testable import Northbound

/// A fleet's database with an API before it, and a client of the API.
struct NorthboundFixture {
  let loop: EventLoop
  let lane: Lane
  let client: HTTPClient
  let server: NorthboundServer
  let base: String
  let token: String

  static func with(
    _ settings: NorthboundSettings = NorthboundSettings(), _ body: (NorthboundFixture) async throws -> Void
  ) async throws {
    let migrations = [LogSchema.migration] + FleetSchema.migrations
    try await TestPostgreSQL.withDatabase(migrations: migrations) { database in
      let loop = try EventLoop(name: "northbound")
      let lanes = NorthboundLanes(
        reading: try Lane(on: loop, database.settings), writing: try Lane(on: loop, database.settings))
      let lane = try Lane(on: loop, database.settings)
      let client = try HTTPClient(loop: loop)
      let server = NorthboundServer(
        on: loop, lanes: lanes, settings: settings, logger: Logger(level: .error, writer: LogWriter()))
      let address = try await server.listen(on: try SocketAddress("127.0.0.1:0"))
      let result: Result<Void, any Error>
      do {
        let token = try await TokenStore(lane).create("tests")
        let fixture = NorthboundFixture(
          loop: loop, lane: lane, client: client, server: server, base: "http://\(address)/api/v1", token: token)
        result = .success(try await body(fixture))
      } catch {
        result = .failure(error)
      }
      await server.close()
      await client.shutdown()
      for lane in [lanes.reading, lanes.writing, lane] { await lane.close() }
      await loop.shutdown()
      try result.get()
    }
  }

  // MARK: - Asking

  struct Answer {
    var status: Int
    var response: HTTPClientResponse
    var json: JSONValue

    subscript(path: String...) -> JSONValue? {
      path.reduce(json) { value, name in
        switch value {
        case .object(let members): members[name]
        case .array(let items): Int(name).flatMap { items.indices.contains($0) ? items[$0] : nil }
        default: nil
        }
      }
    }

    /// The text at a path; empty where there is none.
    func text(_ path: String...) -> String {
      let found = path.reduce(json as JSONValue?) { value, name in
        switch value {
        case .object(let members): members[name]
        case .array(let items): Int(name).flatMap { items.indices.contains($0) ? items[$0] : nil }
        default: nil
        }
      }
      if case .text(let text) = found { return text }
      return ""
    }
  }

  func send(
    _ method: String, _ path: String, _ body: String? = nil, type: String = "application/json",
    fields: [(name: String, value: String)] = [], token: String? = nil
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: base + path)
    request.method = method
    request.fields = fields + [("Authorization", "Bearer \(token ?? self.token)")]
    if let body {
      request.fields.append(("Content-Type", type))
      request.body = Array(body.utf8)
    }
    request.responseLimit = 1 << 20
    request.deadline = .seconds(30)
    let response = try await client.execute(request)
    let json = response.body.isEmpty ? JSONValue.null : try JSONValue.parse(response.body)
    return Answer(status: Int(response.status.rawValue), response: response, json: json)
  }

  // MARK: - Making

  /// A device that has informed once.
  @discardableResult
  func device(
    _ number: Int, oui: String = "00D09E", version: String = "1.0", tags: [String] = []
  ) async throws -> UUID128 {
    let id = UUID128(high: 0xD0, low: UInt64(number))
    _ = try await lane.query(
      Self.makeDevice, .uuid(id), .text("\(oui)-Router-\(number)"), .text(oui), .text(String(number)), .text(version),
      .texts(tags))
    return id
  }

  private static let makeDevice = Statement(
    "test.make_device",
    """
    WITH made AS (
      INSERT INTO device (id, identity, manufacturer, oui, product_class, serial_number, software_version, tags,
                          created_at, seen_at)
      VALUES ($1, $2, 'Acme', $3, 'Router', $4, $5, $6, now(), now()) RETURNING id)
    INSERT INTO device_contact (device, last_inform, session, policy_epoch) SELECT id, now(), id, 1 FROM made
    """)

  /// One number from the database.
  func number(_ sql: String) async throws -> Int64 {
    try await lane.query(Statement("test.number", "SELECT (\(sql))::bigint"))[0].int64(0)
  }

  func run(_ sql: String) async throws {
    _ = try await lane.query(Statement("test.run", sql))
  }
}
