/// The lines of a message's head, as they come in pieces, in one buffer that is used again for the next message; field
/// names are put into lower case in place. Shared by requests and responses.
struct HeadBuffer: Sendable {
  struct Field: Sendable {
    var name: Range<UInt16>
    var value: Range<UInt16>
  }

  var bytes: [UInt8] = []
  var fields: [Field] = []
  private var lineStart = 0

  /// A buffer that one large head has grown is given back.
  mutating func reset() {
    if bytes.capacity > 4096 { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
    fields.removeAll(keepingCapacity: true)
    lineStart = 0
  }

  // MARK: - Filling

  /// Moves the rest of a line here; the line without its end once it is complete, nil if more must come.
  mutating func takeLine(
    _ input: Span<UInt8>, _ position: inout Int, limit: Int, tooLong: HTTPStatus
  ) throws(RequestError) -> Range<Int>? {
    guard position < input.count else { return nil }
    let lineFeed = input.firstIndex(of: 0x0A, from: position)
    let end = lineFeed.map { $0 + 1 } ?? input.count
    guard bytes.count + end - position <= limit else { throw RequestError(tooLong, "head longer than \(limit) bytes") }
    bytes.append(input.extracting(position..<end))
    position = end
    guard lineFeed != nil else { return nil }
    let lineEnd = bytes.count - 2
    guard lineEnd >= lineStart, bytes[lineEnd] == 0x0D else {
      throw RequestError(.badRequest, "line ended by a bare LF")
    }
    defer { lineStart = bytes.count }
    return lineStart..<lineEnd
  }

  /// Takes a field line in (RFC 9112 §5): no space around the name, no folding, no control characters.
  mutating func takeField(_ line: Range<Int>, limit: Int) throws(RequestError) -> (name: Range<Int>, value: Range<Int>)
  {
    guard fields.count < limit else {
      throw RequestError(.headerFieldsTooLarge, "more than \(limit) header fields")
    }
    var colon = line.lowerBound
    while colon < line.upperBound && bytes[colon].isToken {
      bytes[colon] = bytes[colon].asciiLowercased
      colon += 1
    }
    guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == 0x3A else {
      throw RequestError(.badRequest, "malformed header field name")
    }
    let value = try Self.trimmed(bytes.span, (colon + 1)..<line.upperBound)
    fields.append(
      Field(
        name: UInt16(line.lowerBound)..<UInt16(colon), value: UInt16(value.lowerBound)..<UInt16(value.upperBound)))
    return (line.lowerBound..<colon, value)
  }

  private static func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(RequestError) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end && (bytes[start] == 0x20 || bytes[start] == 0x09) { start += 1 }
    while end > start && (bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09) { end -= 1 }
    for index in start..<end where !bytes[index].isFieldValue {
      throw RequestError(.badRequest, "control character in a header field")
    }
    return start..<end
  }

  // MARK: - Reading

  func text(_ range: Range<UInt16>) -> String {
    String(decoding: bytes[Int(range.lowerBound)..<Int(range.upperBound)], as: UTF8.self)
  }

  func first(_ name: StaticString) -> Field? {
    for field in fields where matches(field, name) { return field }
    return nil
  }

  func matches(_ field: Field, _ name: StaticString) -> Bool {
    guard field.name.count == name.utf8CodeUnitCount else { return false }
    return bytes.span.extracting(Int(field.name.lowerBound)..<Int(field.name.upperBound)).equals(name)
  }
}

/// What a field means for the framing of its message and the life of its connection.
enum FramingField {
  case none
  case host
  case expectation(isContinue: Bool)
  case connection(keepsAlive: Bool?)
  case contentLength(Int)
  case transferEncoding(isChunked: Bool)

  init(_ name: Range<Int>, _ value: Range<Int>, in bytes: Span<UInt8>) throws(RequestError) {
    let name = bytes.extracting(name)
    let value = bytes.extracting(value)
    switch name.count {
    case 4 where name.equals("host"): self = .host
    case 6 where name.equals("expect"): self = .expectation(isContinue: value.equalsIgnoringCase("100-continue"))
    case 10 where name.equals("connection"): self = .connection(keepsAlive: Self.keepsAlive(value))
    case 14 where name.equals("content-length"): self = .contentLength(try Self.length(value))
    case 17 where name.equals("transfer-encoding"):
      self = .transferEncoding(isChunked: value.equalsIgnoringCase("chunked"))
    default: self = .none
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
}
