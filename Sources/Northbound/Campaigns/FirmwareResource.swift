import Cryptography
import HTTP
import PostgreSQL

/// `/firmware`: images in the directory that the gateway serves.
struct FirmwareResource: Sendable {
  let lanes: NorthboundLanes
  let directory: String?

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .post, "/firmware", "Register an image of the served directory; its size and SHA-256 are taken now.",
        body: .json, answers: [201], create),
      Endpoint(.get, "/firmware", "All images by name.", list),
      Endpoint(.get, "/firmware/{image}", "An image.") { request, _ in
        try request.allowQuery()
        return try await response(Self.name(request), .ok)
      },
      Endpoint(
        .delete, "/firmware/{image}", "Forget an image that no campaign names; the file stays.", answers: [204],
        delete),
    ]
  }

  /// What a client asks for with `POST /firmware`, checked.
  private struct Registration {
    var name: String
    var file: String
    var version: String
    var vendor: String
    var models: [String]

    init(_ request: APIRequest) throws(Problem) {
      var body = try BodyFields(request)
      name = try body.requiredText("name", in: 1...64)
      file = try body.requiredText("file", in: 1...200)
      version = try body.requiredText("version", in: 1...64)
      vendor = try body.text("vendor", in: 0...64) ?? ""
      models = try body.texts("models", atMost: 64, in: 1...64) ?? []
      try body.end()
      guard Names.isName(name) else { throw body.wrong("name", "has other characters than letters, digits and -_.") }
    }
  }

  private func create(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    let image = try Registration(request)
    guard let directory else {
      throw Problem(.conflict, "no directory of images is configured: set gateway.files.directory", field: "file")
    }
    let measured = try await FirmwareFile.measure(image.file, in: directory)
    let made = try await lanes.writing.query(
      Self.insert, .text(image.name), .text(image.vendor), .texts(image.models), .text(image.version),
      .text(image.file), .int64(measured.size), .bytes(measured.digest.bytes))
    guard made.affected == 1 else {
      throw Problem(.conflict, "there is an image named '\(image.name)'; images never change", field: "name")
    }
    return try await response(image.name, .created).with("Location", "\(Endpoint.base)/firmware/\(image.name)")
  }

  private func list(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery()
    let rows = try await lanes.reading.query(Self.all)
    return try .json { json in
      json.key("images")
      try json.array(rows) { json, row in try json.object { try Self.write(row, &$0) } }
    }
  }

  private func delete(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    let name = Self.name(request)
    let gone = try await lanes.writing.query(Self.remove, .text(name))
    if gone.affected == 1 { return APIResponse(.noContent) }
    _ = try await response(name, .ok)
    throw Problem(.conflict, "a campaign names the image", field: "image")
  }

  private func response(_ name: String, _ status: HTTPStatus) async throws -> APIResponse {
    guard let row = try await lanes.reading.query(Self.find, .text(name)).first else { throw Self.missing(name) }
    return try .json(status) { try Self.write(row, &$0) }
  }

  private static func name(_ request: APIRequest) -> String { request.parameters["image"] ?? "" }

  private static func missing(_ name: String) -> Problem {
    Problem(.notFound, "there is no image '\(name)'", field: "image")
  }

  private static func write(_ row: Row, _ json: inout JSONWriter) throws {
    let digest = try row.bytes(6)
    json.member("name", try row.text(0))
    json.member("vendor", try row.text(1))
    json.member("models", try row.texts(2))
    json.member("version", try row.text(3))
    json.member("file", try row.text(4))
    json.member("size", try row.int64(5))
    json.member("sha256", Hex.encode(digest.span))
    json.member("created_at", time: try row.timestamp(7))
  }

  private static let columns = "name, vendor, models, version, file, size, sha256, created_at"
  private static let insert = Statement(
    "firmware.insert",
    "INSERT INTO firmware_image (\(columns)) VALUES ($1, $2, $3, $4, $5, $6, $7, now()) ON CONFLICT DO NOTHING")
  private static let all = Statement("firmware.all", "SELECT \(columns) FROM firmware_image ORDER BY name")
  private static let find = Statement("firmware.find", "SELECT \(columns) FROM firmware_image WHERE name = $1")
  private static let remove = Statement(
    "firmware.remove",
    """
    DELETE FROM firmware_image i WHERE name = $1 AND NOT EXISTS (SELECT FROM campaign c WHERE c.image = i.name)
    """)
}
