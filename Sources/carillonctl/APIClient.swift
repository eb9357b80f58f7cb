import HTTP
import Networking

/// What the API refused, or why it could not be asked.
struct APIError: Error, CustomStringConvertible {
  let exitCode: Int32
  let description: String

  /// No answer.
  init(unreachable reason: String, _ settings: ClientSettings) {
    exitCode = CarillonControl.ExitCode.unavailable
    description = "\(settings.url) cannot be reached: \(reason)"
  }

  /// A problem (RFC 9457), or another server's answer.
  init(_ status: Int, _ body: [UInt8]) {
    exitCode = status >= 502 ? CarillonControl.ExitCode.unavailable : CarillonControl.ExitCode.failed
    guard let problem = try? JSONDocument(body), let detail = problem["detail"]?.shown else {
      description = "status \(status)"
      return
    }
    let place = problem["line"].map { " (line \($0.shown), column \(problem.text("column")))" } ?? ""
    description = "\(problem.text("title")): \(detail)\(place)"
  }
}

/// A client of the REST API. Requests that can be repeated without harm are, when the connection breaks.
struct APIClient: Sendable {
  /// Read at the start, complained of when first needed: misuse of a command is told first.
  private let settings: Result<ClientSettings, ClientSettings.Failure>
  private let http: HTTPClient
  private let loop: EventLoop

  init(_ settings: Result<ClientSettings, ClientSettings.Failure>, on loop: EventLoop) throws {
    self.settings = settings
    self.loop = loop
    http = try HTTPClient(loop: loop, maximumConcurrent: 4)
  }

  func close() async { await http.shutdown() }

  /// Names and values of a query; nil values are left out.
  typealias Query = [(name: String, value: String?)]

  func get(_ path: String, _ query: Query = [], wait: Int = 0) async throws -> JSONDocument {
    try await send(try request("GET", path, query, wait: wait), isRepeatable: true)
  }

  func put(
    _ path: String, _ query: Query = [], body: [UInt8], type: String = "application/json"
  ) async throws -> JSONDocument {
    var request = try request("PUT", path, query)
    request.body = body
    request.fields.append(("Content-Type", type))
    return try await send(request, isRepeatable: true)
  }

  func delete(_ path: String) async throws { _ = try await send(try request("DELETE", path), isRepeatable: false) }

  /// - Parameter key: makes the request repeatable: the server does one key's work once.
  func post(
    _ path: String, _ query: Query = [], body: JSONDocument? = nil, key: String? = nil, wait: Int = 0
  ) async throws -> JSONDocument {
    var request = try request("POST", path, query, wait: wait)
    if let body {
      request.body = body.encoded
      request.fields.append(("Content-Type", "application/json"))
    }
    if let key { request.fields.append(("Idempotency-Key", "\"\(key)\"")) }
    return try await send(request, isRepeatable: key != nil)
  }

  /// All items of a list, page by page, at most `limit` (0: all); and whether there are more.
  func list(
    _ path: String, _ name: String, _ query: Query = [], limit: Int
  ) async throws -> (items: [JSONDocument], hasMore: Bool) {
    var items: [JSONDocument] = []
    var cursor: String?
    while true {
      let size = limit == 0 ? 1000 : min(1000, limit - items.count)
      let page = try await get(path, query + [("limit", String(size)), ("cursor", cursor)])
      items += page[name]?.items ?? []
      guard case .text(let next)? = page["next_cursor"] else { return (items, false) }
      if limit > 0, items.count >= limit { return (items, true) }
      cursor = next
    }
  }

  // MARK: - Inside

  private func request(
    _ method: String, _ path: String, _ query: Query = [], wait: Int = 0
  ) throws -> HTTPClientRequest {
    let settings = try settings.get()
    var pairs = query.compactMap { pair in pair.value.map { (pair.name, $0) } }
    if wait > 0 { pairs.append(("wait", String(wait))) }
    let text = pairs.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
    var request = HTTPClientRequest(url: "\(settings.url)/api/v1\(path)" + (text.isEmpty ? "" : "?\(text)"))
    request.method = method
    request.fields = [("Authorization", "Bearer \(settings.token)"), ("Accept", "application/json")]
    request.deadline = .seconds(30 + wait)
    request.responseLimit = 256 << 20
    request.authorities = settings.authorities
    request.reusesConnections = true
    return request
  }

  private func send(_ request: HTTPClientRequest, isRepeatable: Bool) async throws -> JSONDocument {
    var attempts = isRepeatable ? 3 : 1
    while true {
      attempts -= 1
      do {
        return try Self.document(try await http.execute(request))
      } catch let error as HTTPClientError {
        guard attempts > 0, error.code == .failed else { throw APIError(unreachable: error.detail, try settings.get()) }
        try await loop.sleep(for: .milliseconds(300))
      }
    }
  }

  private static func document(_ response: HTTPClientResponse) throws -> JSONDocument {
    let status = Int(response.status.rawValue)
    guard (200..<300).contains(status) else { throw APIError(status, response.body) }
    if response.body.isEmpty { return .null }
    guard let document = try? JSONDocument(response.body) else { throw APIError(status, []) }
    return document
  }
}

extension String {
  /// As one segment of a path.
  var segment: String { PercentEncoding.encode(self) }
}
