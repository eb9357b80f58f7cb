import Operations

/// A JSON document as it is written: straight from rows into bytes, so that stored JSON can be set in as it stands.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// The bytes of one object.
  static func object(_ body: (inout JSONWriter) throws -> Void) rethrows -> [UInt8] {
    var json = JSONWriter()
    try json.object(body)
    return json.bytes
  }

  // MARK: - Values

  mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
    open(UInt8(ascii: "{"))
    try body(&self)
    close(UInt8(ascii: "}"))
  }

  mutating func array<Items: Sequence>(
    _ items: Items, _ body: (inout JSONWriter, Items.Element) throws -> Void
  ) rethrows {
    open(UInt8(ascii: "["))
    for item in items { try body(&self, item) }
    close(UInt8(ascii: "]"))
  }

  mutating func value(_ text: String) {
    separate()
    quote(text)
    needsComma = true
  }

  mutating func value(_ number: some BinaryInteger) { raw(String(number).utf8) }

  mutating func value(_ truth: Bool) { raw(truth ? "true".utf8 : "false".utf8) }

  mutating func null() { raw("null".utf8) }

  /// Sets in a value that is JSON already.
  mutating func raw(_ json: some Sequence<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
    needsComma = true
  }

  /// A time in microseconds since 1970, as RFC 3339 in UTC.
  mutating func time(_ microseconds: Int64) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    RFC3339.append(Self.milliseconds(microseconds), to: &bytes)
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  // MARK: - Members

  mutating func key(_ name: String) {
    separate()
    quote(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func member(_ name: String, _ text: String) {
    key(name)
    value(text)
  }

  mutating func member(_ name: String, _ text: String?) {
    key(name)
    if let text { value(text) } else { null() }
  }

  mutating func member(_ name: String, _ number: some BinaryInteger) {
    key(name)
    value(number)
  }

  mutating func member(_ name: String, _ truth: Bool) {
    key(name)
    value(truth)
  }

  mutating func member(_ name: String, _ texts: [String]) {
    key(name)
    array(texts) { $0.value($1) }
  }

  /// A stored JSON value, or null.
  mutating func member(_ name: String, json: [UInt8]?) {
    key(name)
    if let json { raw(json) } else { null() }
  }

  /// A time in microseconds since 1970, or null.
  mutating func member(_ name: String, time microseconds: Int64?) {
    key(name)
    if let microseconds { time(microseconds) } else { null() }
  }

  mutating func member(_ name: String, _ body: (inout JSONWriter) throws -> Void) rethrows {
    key(name)
    try object(body)
  }

  // MARK: - Inside

  private mutating func open(_ byte: UInt8) {
    separate()
    bytes.append(byte)
    needsComma = false
  }

  private mutating func close(_ byte: UInt8) {
    bytes.append(byte)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  /// PostgreSQL's `infinity` and other times that four digits of a year cannot tell are cut to the last one they can.
  private static func milliseconds(_ microseconds: Int64) -> Int64 {
    min(max(microseconds / 1000, -62_135_596_800_000), 253_402_300_799_999)
  }

  private mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0x0A: bytes.append(contentsOf: "\\n".utf8)
      case 0x0D: bytes.append(contentsOf: "\\r".utf8)
      case 0x09: bytes.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7F:
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(Self.digits[Int(byte >> 4)])
        bytes.append(Self.digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static let digits = Array("0123456789abcdef".utf8)
}
