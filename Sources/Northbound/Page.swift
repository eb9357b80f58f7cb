import Cryptography
import HTTP
import PostgreSQL

/// One page of a list, by keyset: what comes after a key, so that pages stay right while rows come and go.
struct Page {
  /// How many at most, 1 to 1,000.
  var limit: Int
  /// The last key of the page before; nil for the first page.
  var after: UUID128?
  private let scope: UInt32

  /// The page that the query asks for by `limit` and `cursor`. A cursor is good for the same filter only.
  init(_ request: APIRequest) throws(Problem) {
    limit = 100
    if let text = request.queryValue("limit") {
      guard let number = Int(text), (1...1000).contains(number) else {
        throw Problem(.invalidField, "limit is to be a whole number from 1 to 1000", field: "limit")
      }
      limit = number
    }
    scope = Self.scope(of: request)
    guard let text = request.queryValue("cursor"), !text.isEmpty else { return }
    guard let cursor = Self.decode(text), cursor.scope == scope else {
      throw Problem(.invalidField, "the cursor is not one of this list and filter", field: "cursor")
    }
    after = cursor.key
  }

  /// The cursor of the page after one that ends with `key`.
  func cursor(after key: UUID128) -> String {
    var bytes: [UInt8] = [1]
    withUnsafeBytes(of: scope.bigEndian) { bytes.append(contentsOf: $0) }
    key.append(to: &bytes)
    return Base64.encode(bytes.span, .url)
  }

  /// The key of rows whose first column it is.
  static func key(_ row: Row) throws(PostgreSQLError) -> UUID128 { try row.uuid(0) }

  private static func decode(_ text: String) -> (key: UUID128, scope: UInt32)? {
    guard let bytes = Base64.decode(text, .url), bytes.count == 21, bytes[0] == 1,
      let key = UUID128(bytes: Array(bytes[5...]))
    else { return nil }
    return (key, bytes[1..<5].reduce(0) { $0 << 8 | UInt32($1) })
  }

  /// FNV-1a over what the list is and how it is filtered.
  private static func scope(of request: APIRequest) -> UInt32 {
    let filter = request.query.filter { $0.name != "limit" && $0.name != "cursor" && $0.name != "wait" }
    let pairs = filter.map { "\($0.name)=\($0.value)" }.sorted().joined(separator: "&")
    return (request.path + "?" + pairs).utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
  }
}

extension APIRequest {
  /// Refuses parameters of the query that nobody looks at: a misspelt filter must not list everything.
  func allowQuery(_ names: String...) throws(Problem) {
    for (name, _) in query where !names.contains(name) {
      let known = names.isEmpty ? "none is known here" : "known are \(names.joined(separator: ", "))"
      throw Problem(.invalidField, "the query's parameter '\(name)' is not known; \(known)", field: name)
    }
  }

  /// A time in the query, microseconds since 1970.
  func queryTime(_ name: String) throws(Problem) -> Int64? {
    guard let text = queryValue(name) else { return nil }
    guard let time = RFC3339Text.microseconds(text) else {
      throw Problem(.invalidField, "\(name) is to be a time such as 2026-11-23T07:18:05Z", field: name)
    }
    return time
  }

  /// A UUID in the path.
  func identifier(_ name: String) throws(Problem) -> UUID128 {
    guard let id = UUID128(parameters[name] ?? "") else {
      throw Problem(.notFound, "'\(name)' of the path is no UUID", field: name)
    }
    return id
  }

  /// How long to wait for a task's end, 0 to 300 seconds.
  func waitSeconds() throws(Problem) -> Int64 {
    guard let text = queryValue("wait") else { return 0 }
    guard let seconds = Int64(text), (0...300).contains(seconds) else {
      throw Problem(.invalidField, "wait is to be whole seconds from 0 to 300", field: "wait")
    }
    return seconds
  }
}

extension APIResponse {
  /// A JSON object.
  static func json(_ status: HTTPStatus = .ok, _ body: (inout JSONWriter) throws -> Void) rethrows -> APIResponse {
    json(status, bytes: try JSONWriter.object(body))
  }

  /// JSON that is written already.
  static func json(_ status: HTTPStatus = .ok, bytes: [UInt8]) -> APIResponse {
    APIResponse(status, FieldBlock("Content-Type", "application/json"), body: bytes)
  }

  /// The answer with one more field.
  func with(_ name: StaticString, _ value: String) -> APIResponse {
    var response = self
    response.fields.add(name, value)
    return response
  }

  /// A page of `items`, of which one more than the page's limit was asked for.
  static func page<Item>(
    _ page: Page, _ name: String, _ items: [Item], key: (Item) throws -> UUID128,
    _ write: (inout JSONWriter, Item) throws -> Void
  ) rethrows -> APIResponse {
    let shown = items.prefix(page.limit)
    let next = items.count > page.limit ? try shown.last.map { page.cursor(after: try key($0)) } : nil
    return try json { json in
      json.key(name)
      try json.array(shown, write)
      json.member("next_cursor", next)
    }
  }
}
