/// A request's method, as far as this server tells them apart.
public enum HTTPMethod: UInt8, Sendable, Hashable, CustomStringConvertible {
  /// GET.
  case get
  /// HEAD.
  case head
  /// POST.
  case post
  /// PUT.
  case put
  /// DELETE.
  case delete
  /// PATCH.
  case patch
  /// OPTIONS.
  case options
  /// Any other token, such as TRACE or CONNECT: well-formed, served by nobody here.
  case other

  init(_ name: Span<UInt8>) {
    switch name.count {
    case 3: self = name.equals("GET") ? .get : name.equals("PUT") ? .put : .other
    case 4: self = name.equals("POST") ? .post : name.equals("HEAD") ? .head : .other
    case 5: self = name.equals("PATCH") ? .patch : .other
    case 6: self = name.equals("DELETE") ? .delete : .other
    case 7: self = name.equals("OPTIONS") ? .options : .other
    default: self = .other
    }
  }

  /// The name on the wire; `OTHER` for ``other``.
  public var description: String {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .delete: "DELETE"
    case .patch: "PATCH"
    case .options: "OPTIONS"
    case .other: "OTHER"
    }
  }
}
