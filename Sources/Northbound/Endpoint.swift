import HTTP

/// Who calls: the name of the token.
struct Caller: Sendable {
  var name: String
}

/// One method of one resource: what the router serves and the OpenAPI document lists.
struct Endpoint: Sendable {
  /// What a body is.
  enum Body: Sendable {
    case none
    /// `application/json`.
    case json
    /// A policy: `application/yaml`.
    case yaml
  }

  typealias Handler = @Sendable (APIRequest, Caller) async throws -> APIResponse

  var method: HTTPMethod
  /// Below ``base``, such as `/devices/{device}`.
  var path: String
  /// One line for the OpenAPI document.
  var summary: String
  var body = Body.none
  /// The statuses of its good answers.
  var answers: [Int] = [200]
  /// Names in the query.
  var query: [String] = []
  /// Whether it is served without a token.
  var isOpen = false
  var handler: Handler

  /// What all paths begin with.
  static let base = "/api/v1"

  var pattern: String { Self.base + path }

  init(
    _ method: HTTPMethod, _ path: String, _ summary: String, body: Body = .none, answers: [Int] = [200],
    query: [String] = [], isOpen: Bool = false, _ handler: @escaping Handler
  ) {
    self.method = method
    self.path = path
    self.summary = summary
    self.body = body
    self.answers = answers
    self.query = query
    self.isOpen = isOpen
    self.handler = handler
  }
}
