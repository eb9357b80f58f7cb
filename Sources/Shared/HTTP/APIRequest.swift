public import Networking

/// A request as an API handler sees it: complete, with its body.
public struct APIRequest: Sendable {
  /// The method; HEAD arrives as GET, the answer's body is dropped on the way out.
  public var method: HTTPMethod
  /// The path as sent.
  public var path: String
  /// The pattern that matched, such as `/api/v1/devices/{id}`: the label for metrics.
  public var route: String
  /// The path's parameters by name, percent-decoded.
  public var parameters: [String: String]
  /// The query's pairs in their order, percent-decoded.
  public var query: [(name: String, value: String)]
  /// The head, for its other fields: `request.head["authorization"]`.
  public var head: RequestHead
  /// The body.
  public var body: [UInt8]
  /// Who sent it.
  public var peer: SocketAddress

  /// The first value of that name in the query.
  public func queryValue(_ name: String) -> String? { query.first { $0.name == name }?.value }
}
