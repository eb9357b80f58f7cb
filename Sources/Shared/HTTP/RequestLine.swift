/// method SP target SP version, with exactly these spaces (RFC 9112 §3).
struct RequestLine {
  let method: HTTPMethod
  let target: Range<Int>
  let minorVersion: UInt8

  init(_ bytes: Span<UInt8>) throws(RequestError) {
    var index = 0
    while index < bytes.count && bytes[index].isToken { index += 1 }
    let methodEnd = index
    guard methodEnd > 0, methodEnd <= 32, index < bytes.count, bytes[index] == 0x20 else {
      throw RequestError(.badRequest, "malformed method")
    }
    index += 1
    let start = index
    while index < bytes.count && bytes[index] > 0x20 && bytes[index] < 0x7F { index += 1 }
    guard index > start, index < bytes.count, bytes[index] == 0x20 else {
      throw RequestError(.badRequest, "malformed request target")
    }
    target = start..<index
    method = HTTPMethod(bytes.extracting(0..<methodEnd))
    minorVersion = try Self.minorVersion(bytes.extracting((index + 1)..<bytes.count))
    try Self.checkTarget(bytes.extracting(start..<index), method)
  }

  private static func minorVersion(_ version: Span<UInt8>) throws(RequestError) -> UInt8 {
    guard version.count == 8, version.extracting(0..<5).equals("HTTP/"), version[6] == 0x2E,
      version[5] &- 0x30 < 10, version[7] &- 0x30 < 10
    else { throw RequestError(.badRequest, "malformed HTTP version") }
    guard version[5] == 0x31 else { throw RequestError(.versionNotSupported, "only HTTP/1.0 and HTTP/1.1 are spoken") }
    return version[7] == 0x30 ? 0 : 1
  }

  private static func checkTarget(_ target: Span<UInt8>, _ method: HTTPMethod) throws(RequestError) {
    if target[0] == 0x2F { return }
    if target[0] == 0x2A && target.count == 1 && method == .options { return }
    // CONNECT's authority form: a method that nobody here serves.
    if method == .other { return }
    if target.count > 7, target.extracting(0..<7).equalsIgnoringCase("http://") { return }
    if target.count > 8, target.extracting(0..<8).equalsIgnoringCase("https://") { return }
    throw RequestError(.badRequest, "malformed request target")
  }
}
