/// Writes XML into bytes. It escapes; it does not check that what is written is well-formed.
public struct XMLWriter: Sendable {
  /// What was written, ASCII.
  public private(set) var bytes: [UInt8]

  /// An empty writer with room for `capacity` bytes.
  public init(capacity: Int = 1_024) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  /// Markup, as it stands.
  public mutating func raw(_ markup: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: markup.utf8Start, count: markup.utf8CodeUnitCount))
  }

  /// Markup made at run time, as it stands; never with text from outside.
  public mutating func raw(_ markup: String) { bytes.append(contentsOf: markup.utf8) }

  /// Bytes that are escaped already or need no escape, as they stand.
  public mutating func raw(_ markup: [UInt8]) { bytes.append(contentsOf: markup) }

  /// Text or an attribute's value, escaped (item 51): `& < > " '` as entities, characters outside 9, 10, 32...126 as
  /// character references. A character that XML 1.0 cannot carry becomes U+FFFD.
  public mutating func text(_ text: String) {
    var text = text
    let needsEscape = text.withUTF8 { bytes in bytes.contains { !Self.isPlain($0) } }
    guard needsEscape else { return bytes.append(contentsOf: text.utf8) }
    for scalar in text.unicodeScalars { append(scalar) }
  }

  /// A decimal number.
  public mutating func number(_ value: some BinaryInteger) { bytes.append(contentsOf: String(value).utf8) }

  /// `<name>text</name>`, the text escaped.
  public mutating func element(_ name: StaticString, _ text: String) {
    open(name)
    self.text(text)
    close(name)
  }

  /// `<name>number</name>`.
  public mutating func element(_ name: StaticString, _ value: some BinaryInteger) {
    open(name)
    number(value)
    close(name)
  }

  /// `<name>`.
  public mutating func open(_ name: StaticString) {
    bytes.append(UInt8(ascii: "<"))
    raw(name)
    bytes.append(UInt8(ascii: ">"))
  }

  /// `</name>`.
  public mutating func close(_ name: StaticString) {
    raw("</")
    raw(name)
    bytes.append(UInt8(ascii: ">"))
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"): false
    case 9, 10, 32...126: true
    default: false
    }
  }

  private mutating func append(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "&": raw("&amp;")
    case "<": raw("&lt;")
    case ">": raw("&gt;")
    case "\"": raw("&quot;")
    case "'": raw("&apos;")
    case "\t", "\n", " "..."~": bytes.append(UInt8(scalar.value))
    case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": raw("&#65533;")
    default:
      raw("&#")
      number(scalar.value)
      bytes.append(UInt8(ascii: ";"))
    }
  }
}
