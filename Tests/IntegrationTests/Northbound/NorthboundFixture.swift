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
  let lane: Lane
  let client: HTTPClient
  let bases: [String]
  let token: String

  var base: String { bases[0] }

  /// A server with what it stands on.
  private struct Served {
    let loop: EventLoop
    let lanes: NorthboundLanes
    let server: NorthboundServer
    let address: SocketAddress

    init(_ database: TestDatabase, _ settings: NorthboundSettings) async throws {
      loop = try EventLoop(name: "northbound")
      lanes = NorthboundLanes(
        reading: try Lane(on: loop, database.settings), writing: try Lane(on: loop, database.settings))
      server = NorthboundServer(
        on: loop, lanes: lanes, settings: settings, logger: Logger(level: .error, writer: LogWriter()))
      address = try await server.listen(on: try SocketAddress("127.0.0.1:0"))
    }

    func close() async {
      await server.close()
      await lanes.reading.close()
      await lanes.writing.close()
      await loop.shutdown()
    }
  }

  /// - Parameter servers: how many serve the database side by side; requests go to any of them.
  static func with(
    _ settings: NorthboundSettings = NorthboundSettings(), servers: Int = 1,
    _ body: (NorthboundFixture) async throws -> Void
  ) async throws {
    let migrations = [LogSchema.migration] + FleetSchema.migrations
    try await TestPostgreSQL.withDatabase(migrations: migrations) { database in
      var served: [Served] = []
      for _ in 0..<servers { served.append(try await Served(database, settings)) }
      let loop = try EventLoop(name: "client")
      let lane = try Lane(on: loop, database.settings)
      let client = try HTTPClient(loop: loop)
      let result: Result<Void, any Error>
      do {
        let token = try await TokenStore(lane).create("tests")
        let fixture = NorthboundFixture(
          lane: lane, client: client, bases: served.map { "http://\($0.address)/api/v1" }, token: token)
        result = .success(try await body(fixture))
      } catch {
        result = .failure(error)
      }
      for one in served { await one.close() }
      await client.shutdown()
      await lane.close()
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
    var request = HTTPClientRequest(url: (bases.randomElement() ?? base) + path)
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
