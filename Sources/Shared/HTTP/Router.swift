/// An API handler. It runs as a task on the server's loop, without a hop, and is cancelled when the client goes.
public typealias APIHandler = @Sendable (APIRequest) async throws -> APIResponse

/// Whether a request's body is read: asked with the head alone. The answer instead; nil reads it.
public typealias APIAdmission = @Sendable (APIRequest) async -> APIResponse?

/// Routes by method and path: `/api/v1/devices/{id}`. `{name}` takes one segment, `{name...}` at the end takes the
/// rest. A literal segment goes before a parameter, a parameter before the rest.
public struct Router: Sendable {
  struct Route: Sendable {
    var pattern: String
    var names: [String]
    var bodyLimit: Int
    var admission: APIAdmission?
    var handler: APIHandler
  }

  private struct Node: Sendable {
    var literals: [String: Int] = [:]
    var parameter: Int?
    var rest: Int?
    var routes: [HTTPMethod: Route] = [:]
  }

  enum Match {
    case found(Route, parameters: [String: String])
    /// The path exists, for these methods.
    case otherMethods([HTTPMethod])
    case notFound
    /// A percent-encoding that is none, or stands for no UTF-8.
    case malformed
  }

  /// Answers for what a handler threw; by default 500 without details.
  public var onError: @Sendable (any Error, APIRequest) -> APIResponse = { _, _ in
    .text("internal error\n", status: .internalServerError)
  }
  /// Answers where no handler can: 400, 404, 405, 504.
  public var onRefusal: @Sendable (HTTPStatus, _ path: String) -> APIResponse = { status, _ in
    .text("\(status.reason)\n", status: status)
  }
  /// How long a handler may take; past it it is cancelled and the client gets 504.
  public var deadline = Duration.seconds(90)

  private var nodes = [Node()]

  /// A router without routes.
  public init() {}

  /// Adds a route; of two for the same method and pattern the later counts.
  ///
  /// - Parameters:
  ///   - bodyLimit: bytes of body accepted; more is 413.
  ///   - admission: asked before a body is read; nil reads it from anybody.
  public mutating func on(
    _ method: HTTPMethod, _ pattern: String, bodyLimit: Int = 1 << 20, admission: APIAdmission? = nil,
    _ handler: @escaping APIHandler
  ) {
    var node = 0
    var names: [String] = []
    for segment in pattern.split(separator: "/", omittingEmptySubsequences: true) {
      if segment.hasPrefix("{") && segment.hasSuffix("...}") {
        names.append(String(segment.dropFirst().dropLast(4)))
        node = child(of: node, \.rest)
      } else if segment.hasPrefix("{") && segment.hasSuffix("}") {
        names.append(String(segment.dropFirst().dropLast()))
        node = child(of: node, \.parameter)
      } else {
        node = child(of: node, \.literals[String(segment)])
      }
    }
    nodes[node].routes[method] = Route(
      pattern: pattern, names: names, bodyLimit: bodyLimit, admission: admission, handler: handler)
  }

  private mutating func child(of node: Int, _ slot: WritableKeyPath<Node, Int?>) -> Int {
    if let child = nodes[node][keyPath: slot] { return child }
    nodes.append(Node())
    nodes[node][keyPath: slot] = nodes.count - 1
    return nodes.count - 1
  }

  func match(_ method: HTTPMethod, _ path: String) -> Match {
    let segments = path.split(separator: "/", omittingEmptySubsequences: true)
    var values: [Substring] = []
    guard let node = find(0, segments[...], &values) else { return .notFound }
    let routes = nodes[node].routes
    guard let route = routes[method] ?? (method == .head ? routes[.get] : nil) else {
      return .otherMethods(routes.keys.sorted { $0.rawValue < $1.rawValue })
    }
    var parameters: [String: String] = [:]
    for (name, value) in zip(route.names, values) {
      guard let decoded = PercentEncoding.decode(value) else { return .malformed }
      parameters[name] = decoded
    }
    return .found(route, parameters: parameters)
  }

  /// Depth first; each level of the path opens at most three ways, and routes are few.
  private func find(_ node: Int, _ segments: ArraySlice<Substring>, _ values: inout [Substring]) -> Int? {
    guard let segment = segments.first else { return nodes[node].routes.isEmpty ? nil : node }
    if let child = nodes[node].literals[String(segment)], let found = find(child, segments.dropFirst(), &values) {
      return found
    }
    if let child = nodes[node].parameter {
      values.append(segment)
      if let found = find(child, segments.dropFirst(), &values) { return found }
      values.removeLast()
    }
    guard let rest = nodes[node].rest, let last = segments.last, !nodes[rest].routes.isEmpty else { return nil }
    values.append(segment.base[segment.startIndex..<last.endIndex])
    return rest
  }
}
