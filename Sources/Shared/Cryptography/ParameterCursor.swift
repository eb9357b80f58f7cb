/// Reads `Scheme name=value, name="quoted \" value", …` of `Authorization` and `WWW-Authenticate` (RFC 9110 §11.2).
/// Linear in its input; owns a copy of it, at most 4 KiB.
struct ParameterCursor {
  private let bytes: [UInt8]
  private var position = 0

  init(_ span: Span<UInt8>) {
    bytes = span.withUnsafeBufferPointer { Array($0) }
    skipSpace()
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x09 { position += 1 }
  }

  /// The token at the cursor, and the blanks after it skipped.
  mutating func token() -> String {
    let start = position
    while let byte = current, Self.isToken(byte) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    skipSpace()
    return text
  }

  /// All that is left, without the blanks at its end.
  mutating func rest() -> [UInt8] {
    var end = bytes.count
    while end > position, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
    defer { position = bytes.count }
    return Array(bytes[position..<end])
  }

  enum Step {
    case parameter(name: String, value: [UInt8])
    /// The list ends, or what follows is no parameter: another challenge of the same header, perhaps.
    case end
    case malformed
  }

  /// The next `name=value`, its name lower-cased. Empty list elements are skipped (RFC 9110 §5.6.1.2).
  mutating func next() -> Step {
    while let byte = current, byte == UInt8(ascii: ",") || byte == 0x20 || byte == 0x09 { position += 1 }
    guard current != nil else { return .end }
    let start = position
    let name = token().lowercased()
    guard !name.isEmpty else { return .malformed }
    guard current == UInt8(ascii: "=") else {
      position = start
      return .end
    }
    position += 1
    skipSpace()
    guard let value = current == UInt8(ascii: "\"") ? quoted() : unquoted() else { return .malformed }
    skipSpace()
    guard current == nil || current == UInt8(ascii: ",") else { return .malformed }
    return .parameter(name: name, value: value)
  }

  private mutating func quoted() -> [UInt8]? {
    position += 1
    var value: [UInt8] = []
    while let byte = current {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return value
      case UInt8(ascii: "\\"):
        guard let escaped = current else { return nil }
        value.append(escaped)
        position += 1
      default: value.append(byte)
      }
    }
    return nil
  }

  /// Up to a comma or blank: more lenient than a token, for CPEs write `uri=/cwmp` and base64 nonces unquoted.
  private mutating func unquoted() -> [UInt8]? {
    let start = position
    while let byte = current, byte != UInt8(ascii: ","), byte != 0x20, byte != 0x09 { position += 1 }
    return position > start ? Array(bytes[start..<position]) : nil
  }

  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
