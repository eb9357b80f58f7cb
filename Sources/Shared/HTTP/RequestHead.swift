/// A request's line and fields as received, kept in one buffer that a connection uses again and again. Field names are
/// in lower case. Valid until its exchange has been answered; what is needed longer is to be copied.
public struct RequestHead: Sendable {
  var lines = HeadBuffer()
  private var targetRange: Range<UInt16> = 0..<0

  /// The method.
  public internal(set) var method = HTTPMethod.other
  /// 1 for HTTP/1.1, 0 for HTTP/1.0.
  public internal(set) var minorVersion: UInt8 = 1
  /// The declared length; nil if there is none or the body is chunked.
  public internal(set) var contentLength: Int?
  /// Whether the body comes in chunks.
  public internal(set) var isChunked = false
  /// Whether the client waits for 100 (Continue) before it sends the body.
  public internal(set) var expectsContinue = false
  /// Whether the client lets the connection live on after this exchange.
  public internal(set) var keepsAlive = true

  init() {}

  /// False when there certainly is no body: no length, or length 0, and not chunked. A chunked one may still prove
  /// empty (CWMP's empty POST has three forms, item 6).
  public var announcesBody: Bool { isChunked || (contentLength ?? 0) > 0 }

  /// The request target as sent, such as `/acs?x=1`.
  public var target: String { lines.text(targetRange) }

  /// The path as sent, still percent-encoded, without query; of an absolute target, what follows the authority.
  public var path: String { String(decoding: lines.bytes[pathRange], as: UTF8.self) }

  /// What follows the first `?`, still percent-encoded.
  public var query: String? {
    let end = pathRange.upperBound
    guard end < targetRange.upperBound else { return nil }
    return String(decoding: lines.bytes[(end + 1)..<Int(targetRange.upperBound)], as: UTF8.self)
  }

  /// The first value of a field; `name` in lower case. Bytes that are no UTF-8 are replaced.
  public subscript(name: StaticString) -> String? {
    lines.first(name).map { lines.text($0.value) }
  }

  /// All values of a field in their order; `name` in lower case.
  public func values(of name: StaticString) -> [String] {
    lines.fields.filter { lines.matches($0, name) }.map { lines.text($0.value) }
  }

  /// Calls `body` with the first value of a field as it stands, without making a string; nil where there is none.
  public func withValue<Result>(of name: StaticString, _ body: (Span<UInt8>) throws -> Result) rethrows -> Result? {
    guard let field = lines.first(name) else { return nil }
    return try body(lines.bytes.span.extracting(Int(field.value.lowerBound)..<Int(field.value.upperBound)))
  }

  private var pathRange: Range<Int> {
    var start = Int(targetRange.lowerBound)
    let end = Int(targetRange.upperBound)
    let span = lines.bytes.span
    // http://authority/path: the path begins at the third slash (RFC 9112 §3.2.2).
    if start < end && span[start] != 0x2F && span[start] != 0x2A {
      var slashes = 0
      while start < end {
        if span[start] == 0x2F { slashes += 1 }
        if slashes == 3 { break }
        start += 1
      }
    }
    return start..<min(end, span.firstIndex(of: 0x3F, from: start) ?? end)
  }

  mutating func take(_ line: RequestLine, at start: Int) {
    method = line.method
    targetRange = UInt16(start + line.target.lowerBound)..<UInt16(start + line.target.upperBound)
    minorVersion = line.minorVersion
    keepsAlive = minorVersion == 1
  }

  /// Makes room for the next request.
  mutating func reset() {
    lines.reset()
    method = .other
    contentLength = nil
    isChunked = false
    expectsContinue = false
    keepsAlive = true
  }
}
