/// What the parser has found next.
public enum RequestEvent: Hashable, Sendable {
  /// All input is used up.
  case needMore
  /// The head is complete: read it from the parser.
  case head
  /// Bytes of the body, as a range of the input.
  case body(Range<Int>)
  /// The request is complete. The next call begins another one.
  case end
}

/// A strict HTTP/1.1 request parser: bytes in, events out, no I/O (RFC 9112).
///
/// Whatever could be read in two ways by two servers is refused (request smuggling): a length beside a transfer coding,
/// lengths that are repeated, listed, signed or spaced, codings other than `chunked`, folded lines, bare CR or LF, space
/// before a colon, chunk sizes with anything around them.
public struct RequestParser: Sendable {
  enum State: UInt8, Sendable {
    case idle, requestLine, fieldLine
    case body, headEnded, ended
    case chunkSizeFirst, chunkSize, chunkExtension, chunkSizeLF, chunkData, chunkDataCR, chunkDataLF
    case trailerStart, trailerName, trailerValue, trailerLF, lastLF
    case failed
  }

  /// The present request's line and fields; complete from ``RequestEvent/head`` on until the next request begins.
  public private(set) var head = RequestHead()

  private var limits: RequestLimits
  private var state = State.idle
  private var lineStart = 0
  private var remaining = 0
  /// Bytes of the present chunk's extension, or of all trailers.
  private var overhead = 0
  private var sawHost = false
  private var sawTransferEncoding = false
  private var sawClose = false

  /// A parser at the beginning of a connection.
  public init(limits: RequestLimits = RequestLimits()) {
    self.limits = limits
    // Positions in the head are kept in 16 bits.
    self.limits.head = min(limits.head, Int(UInt16.max))
  }

  /// Whether nothing of a request has come yet since the last one ended.
  public var isIdle: Bool { state == .idle || state == .ended }

  /// Finds the next event in `input` from `position` on, and moves `position` behind what it used.
  ///
  /// - Throws: `RequestError` with the status to answer with; the connection must then be closed, as its framing is lost.
  public mutating func next(_ input: Span<UInt8>, from position: inout Int) throws(RequestError) -> RequestEvent {
    do throws(RequestError) {
      return try advance(input, &position)
    } catch {
      state = .failed
      throw error
    }
  }

  private mutating func advance(_ input: Span<UInt8>, _ position: inout Int) throws(RequestError) -> RequestEvent {
    while true {
      switch state {
      case .failed:
        throw RequestError(.badRequest, "bytes after a refused request")
      case .ended, .idle:
        guard position < input.count else { return .needMore }
        head.reset()
        (lineStart, sawHost, sawTransferEncoding, sawClose) = (0, false, false, false)
        guard input[position].isToken || input[position] == 0x0D else {
          throw RequestError(.badRequest, "not an HTTP request")
        }
        state = .requestLine
      case .requestLine, .fieldLine:
        guard let line = try takeLine(input, &position) else { return .needMore }
        if try parseLine(line) { return .head }
      case .headEnded:
        try beginBody()
      case .body:
        return try takeBody(input, &position)
      default:
        if let event = try advanceChunked(input, &position) { return event }
      }
    }
  }

  // MARK: - Head

  /// Moves the rest of a line to the head's buffer; the line without its end once it is complete.
  private mutating func takeLine(_ input: Span<UInt8>, _ position: inout Int) throws(RequestError) -> Range<Int>? {
    guard position < input.count else { return nil }
    let lineFeed = input.firstIndex(of: 0x0A, from: position)
    let end = lineFeed.map { $0 + 1 } ?? input.count
    let length = head.bytes.count + end - position
    if state == .requestLine && length > limits.requestLine { throw RequestError(.uriTooLong, "request line too long") }
    if length > limits.head { throw RequestError(.headerFieldsTooLarge, "head larger than \(limits.head) bytes") }
    head.bytes.append(input.extracting(position..<end))
    position = end
    guard lineFeed != nil else { return nil }
    let lineEnd = head.bytes.count - 2
    guard lineEnd >= lineStart, head.bytes[lineEnd] == 0x0D else {
      throw RequestError(.badRequest, "line ended by a bare LF")
    }
    defer { lineStart = head.bytes.count }
    return lineStart..<lineEnd
  }

  /// True when the head is complete.
  private mutating func parseLine(_ line: Range<Int>) throws(RequestError) -> Bool {
    if state == .requestLine {
      if line.isEmpty {
        // One empty line before a request is forgiven (RFC 9112 §2.2), no more.
        guard overhead == 0 else { throw RequestError(.badRequest, "empty lines before the request line") }
        overhead = 1
        head.bytes.removeAll(keepingCapacity: true)
        lineStart = 0
        return false
      }
      try parseRequestLine(line)
      state = .fieldLine
      return false
    }
    if line.isEmpty {
      try checkHead()
      state = .headEnded
      return true
    }
    try parseField(line)
    return false
  }

  private mutating func parseRequestLine(_ line: Range<Int>) throws(RequestError) {
    overhead = 0
    let parts = try Self.requestLine(head.bytes.span.extracting(line))
    let start = UInt16(line.lowerBound)
    head.method = parts.method
    head.methodEnd = start + UInt16(parts.methodEnd)
    head.targetRange = (start + UInt16(parts.target.lowerBound))..<(start + UInt16(parts.target.upperBound))
    head.minorVersion = parts.minorVersion
    head.keepsAlive = parts.minorVersion == 1
  }

  private struct RequestLine {
    var method: HTTPMethod
    var methodEnd: Int
    var target: Range<Int>
    var minorVersion: UInt8
  }

  /// method SP target SP version, with exactly these spaces (RFC 9112 §3).
  private static func requestLine(_ bytes: Span<UInt8>) throws(RequestError) -> RequestLine {
    var index = 0
    while index < bytes.count && bytes[index].isToken { index += 1 }
    let methodEnd = index
    guard methodEnd > 0, methodEnd <= 32, index < bytes.count, bytes[index] == 0x20 else {
      throw RequestError(.badRequest, "malformed method")
    }
    index += 1
    let target = index
    while index < bytes.count && bytes[index] > 0x20 && bytes[index] < 0x7F { index += 1 }
    guard index > target, index < bytes.count, bytes[index] == 0x20 else {
      throw RequestError(.badRequest, "malformed request target")
    }
    let method = HTTPMethod(bytes.extracting(0..<methodEnd))
    let minor = try minorVersion(bytes.extracting((index + 1)..<bytes.count))
    try checkTarget(bytes.extracting(target..<index), method)
    return RequestLine(method: method, methodEnd: methodEnd, target: target..<index, minorVersion: minor)
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
    for scheme in [StaticString("http://"), "https://"] {
      let length = scheme.utf8CodeUnitCount
      if target.count > length, target.extracting(0..<length).equalsIgnoringCase(scheme) { return }
    }
    throw RequestError(.badRequest, "malformed request target")
  }

  private mutating func parseField(_ line: Range<Int>) throws(RequestError) {
    guard head.fields.count < limits.fields else {
      throw RequestError(.headerFieldsTooLarge, "more than \(limits.fields) header fields")
    }
    var colon = line.lowerBound
    while colon < line.upperBound && head.bytes[colon].isToken {
      head.bytes[colon] = head.bytes[colon].asciiLowercased
      colon += 1
    }
    guard colon > line.lowerBound, colon < line.upperBound, head.bytes[colon] == 0x3A else {
      throw RequestError(.badRequest, "malformed header field name")
    }
    let value = try Self.trimmedValue(head.bytes.span, (colon + 1)..<line.upperBound)
    head.fields.append(
      .init(
        name: UInt16(line.lowerBound)..<UInt16(colon), value: UInt16(value.lowerBound)..<UInt16(value.upperBound)))
    let meaning = try Self.meaning(of: line.lowerBound..<colon, value, in: head.bytes.span)
    try note(meaning)
  }

  private static func trimmedValue(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(RequestError) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end && (bytes[start] == 0x20 || bytes[start] == 0x09) { start += 1 }
    while end > start && (bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09) { end -= 1 }
    for index in start..<end where !bytes[index].isFieldValue {
      throw RequestError(.badRequest, "control character in a header field")
    }
    return start..<end
  }

  /// The fields that frame the message or steer the connection.
  private enum Meaning {
    case none
    case host
    case expectation(isContinue: Bool)
    case connection(keepsAlive: Bool?)
    case contentLength(Int)
    case transferEncoding(isChunked: Bool)
  }

  private static func meaning(
    of name: Range<Int>, _ value: Range<Int>, in bytes: Span<UInt8>
  ) throws(RequestError) -> Meaning {
    let name = bytes.extracting(name)
    let value = bytes.extracting(value)
    switch name.count {
    case 4 where name.equals("host"): return .host
    case 6 where name.equals("expect"): return .expectation(isContinue: value.equalsIgnoringCase("100-continue"))
    case 10 where name.equals("connection"): return .connection(keepsAlive: keepsAlive(value))
    case 14 where name.equals("content-length"): return .contentLength(try length(value))
    case 17 where name.equals("transfer-encoding"):
      return .transferEncoding(isChunked: value.equalsIgnoringCase("chunked"))
    default: return .none
    }
  }

  private mutating func note(_ meaning: Meaning) throws(RequestError) {
    switch meaning {
    case .none:
      break
    case .host:
      guard !sawHost else { throw RequestError(.badRequest, "more than one Host") }
      sawHost = true
    case .expectation(let isContinue):
      guard head.minorVersion == 1 else { return }
      guard isContinue else { throw RequestError(.expectationFailed, "an Expect other than 100-continue") }
      head.expectsContinue = true
    case .connection(let keepsAlive):
      if let keepsAlive { head.keepsAlive = keepsAlive && !sawClose }
      if keepsAlive == false { sawClose = true }
    case .contentLength(let length):
      guard head.contentLength == nil else { throw RequestError(.badRequest, "more than one Content-Length") }
      head.contentLength = length
    case .transferEncoding(let isChunked):
      guard !sawTransferEncoding else { throw RequestError(.badRequest, "more than one Transfer-Encoding") }
      guard isChunked else { throw RequestError(.notImplemented, "a Transfer-Encoding other than chunked") }
      sawTransferEncoding = true
      head.isChunked = true
    }
  }

  /// The connection options are a list; `close` wins over `keep-alive`.
  private static func keepsAlive(_ value: Span<UInt8>) -> Bool? {
    var result: Bool?
    var start = 0
    while start <= value.count {
      var end = value.firstIndex(of: 0x2C, from: start) ?? value.count
      let next = end + 1
      while start < end && (value[start] == 0x20 || value[start] == 0x09) { start += 1 }
      while end > start && (value[end - 1] == 0x20 || value[end - 1] == 0x09) { end -= 1 }
      let option = value.extracting(start..<end)
      if option.equalsIgnoringCase("close") { return false }
      if option.equalsIgnoringCase("keep-alive") { result = true }
      start = next
    }
    return result
  }

  /// 1*DIGIT and nothing else (RFC 9110 §8.6).
  private static func length(_ value: Span<UInt8>) throws(RequestError) -> Int {
    guard (1...18).contains(value.count) else { throw RequestError(.badRequest, "malformed Content-Length") }
    var length = 0
    for index in 0..<value.count {
      guard value[index] &- 0x30 < 10 else { throw RequestError(.badRequest, "malformed Content-Length") }
      length = length * 10 + Int(value[index] - 0x30)
    }
    return length
  }

  private func checkHead() throws(RequestError) {
    if !sawHost && head.minorVersion == 1 { throw RequestError(.badRequest, "no Host") }
    if sawTransferEncoding && head.contentLength != nil {
      throw RequestError(.badRequest, "both Content-Length and Transfer-Encoding")
    }
    if sawTransferEncoding && head.minorVersion == 0 {
      throw RequestError(.badRequest, "Transfer-Encoding in HTTP/1.0")
    }
  }

  // MARK: - Body

  private mutating func beginBody() throws(RequestError) {
    overhead = 0
    if head.isChunked {
      state = .chunkSizeFirst
    } else {
      remaining = head.contentLength ?? 0
      state = .body
    }
  }

  private mutating func takeBody(_ input: Span<UInt8>, _ position: inout Int) throws(RequestError) -> RequestEvent {
    guard remaining > 0 else {
      state = .ended
      return .end
    }
    guard position < input.count else { return .needMore }
    let range = position..<(position + min(remaining, input.count - position))
    remaining -= range.count
    position = range.upperBound
    return .body(range)
  }

  /// One step through a chunked body; an event, or nil to go on.
  private mutating func advanceChunked(
    _ input: Span<UInt8>, _ position: inout Int
  ) throws(RequestError) -> RequestEvent? {
    guard position < input.count else { return .needMore }
    if state == .chunkData {
      let range = position..<(position + min(remaining, input.count - position))
      remaining -= range.count
      position = range.upperBound
      if remaining == 0 { state = .chunkDataCR }
      return .body(range)
    }
    let byte = input[position]
    position += 1
    switch state {
    case .chunkSizeFirst, .chunkSize, .chunkExtension, .chunkSizeLF:
      try chunkSize(byte)
    case .chunkDataCR:
      try expect(byte, 0x0D, then: .chunkDataLF, "chunk longer than its size")
    case .chunkDataLF:
      try expect(byte, 0x0A, then: .chunkSizeFirst, "chunk not ended by CRLF")
    case .lastLF:
      try expect(byte, 0x0A, then: .ended, "trailers not ended by CRLF")
      return .end
    default:
      try trailer(byte)
    }
    return nil
  }

  private mutating func expect(
    _ byte: UInt8, _ wanted: UInt8, then next: State, _ fault: String
  ) throws(RequestError) {
    guard byte == wanted else { throw RequestError(.badRequest, fault) }
    state = next
  }

  private mutating func chunkSize(_ byte: UInt8) throws(RequestError) {
    switch (state, byte) {
    case (.chunkSizeFirst, _):
      guard let digit = byte.hexValue else { throw RequestError(.badRequest, "malformed chunk size") }
      (remaining, overhead, state) = (Int(digit), 0, .chunkSize)
    case (.chunkSizeLF, _):
      try expect(byte, 0x0A, then: remaining == 0 ? .trailerStart : .chunkData, "chunk size not ended by CRLF")
      overhead = 0
    case (_, 0x0D):
      state = .chunkSizeLF
    case (.chunkSize, 0x3B):
      state = .chunkExtension
    case (.chunkSize, _):
      guard let digit = byte.hexValue, remaining >> 48 == 0 else {
        throw RequestError(.badRequest, "malformed chunk size")
      }
      remaining = remaining << 4 | Int(digit)
    default:
      overhead += 1
      guard byte.isFieldValue, overhead <= limits.chunkExtension else {
        throw RequestError(.badRequest, "chunk extension malformed or too long")
      }
    }
  }

  /// Trailers are checked like header fields, and dropped.
  private mutating func trailer(_ byte: UInt8) throws(RequestError) {
    overhead += 1
    guard overhead <= limits.trailers else { throw RequestError(.headerFieldsTooLarge, "trailers too long") }
    switch (state, byte) {
    case (.trailerStart, 0x0D):
      state = .lastLF
    case (.trailerName, 0x3A):
      state = .trailerValue
    case (.trailerStart, _), (.trailerName, _):
      guard byte.isToken else { throw RequestError(.badRequest, "malformed trailer name") }
      state = .trailerName
    case (.trailerValue, 0x0D):
      state = .trailerLF
    case (.trailerValue, _):
      guard byte.isFieldValue else { throw RequestError(.badRequest, "control character in a trailer") }
    default:
      try expect(byte, 0x0A, then: .trailerStart, "trailer not ended by CRLF")
    }
  }
}
