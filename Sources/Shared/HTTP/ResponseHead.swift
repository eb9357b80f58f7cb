/// A response's status and fields as received; field names in lower case.
public struct ResponseHead: Sendable {
  var lines = HeadBuffer()

  /// The status.
  public internal(set) var status = HTTPStatus.ok
  /// The declared length; nil if there is none or the body is chunked.
  public internal(set) var contentLength: Int?
  /// Whether the body comes in chunks.
  public internal(set) var isChunked = false
  /// Whether the server lets the connection live on.
  public internal(set) var keepsAlive = true

  init() {}

  /// The first value of a field; `name` in lower case.
  public subscript(name: StaticString) -> String? { lines.first(name).map { lines.text($0.value) } }

  /// All values of a field in their order, such as those of `set-cookie`; `name` in lower case.
  public func values(of name: StaticString) -> [String] {
    lines.fields.filter { lines.matches($0, name) }.map { lines.text($0.value) }
  }

  mutating func reset() {
    lines.reset()
    contentLength = nil
    isChunked = false
    keepsAlive = true
  }
}
