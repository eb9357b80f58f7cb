/// JSON written straight into bytes: events and results are made on the hot path (docs/architecture.md, section 9).
struct JSONBytes {
  private(set) var bytes: [UInt8]
  private var needsComma = false

  /// Starts empty.
  init(reserving capacity: Int = 256) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  /// An object whose members `body` writes.
  static func object(_ body: (inout JSONBytes) -> Void) -> [UInt8] {
    var json = JSONBytes()
    json.object(body)
    return json.bytes
  }

  mutating func object(_ body: (inout JSONBytes) -> Void) { enclosed("{", "}", body) }

  mutating func array(_ body: (inout JSONBytes) -> Void) { enclosed("[", "]", body) }

  mutating func key(_ name: StaticString) {
    comma()
    bytes.append(UInt8(ascii: "\""))
    name.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func member(_ name: StaticString, _ value: String) {
    key(name)
    string(value)
  }

  mutating func member(_ name: StaticString, _ value: some BinaryInteger) {
    key(name)
    number(value)
  }

  mutating func member(_ name: StaticString, _ value: Bool) {
    key(name)
    comma()
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
    needsComma = true
  }

  /// A member whose value is JSON already.
  mutating func member(_ name: StaticString, json value: [UInt8]) {
    key(name)
    raw(value)
  }

  mutating func raw(_ value: [UInt8]) {
    comma()
    bytes.append(contentsOf: value)
    needsComma = true
  }

  mutating func number(_ value: some BinaryInteger) {
    comma()
    bytes.append(contentsOf: String(value).utf8)
    needsComma = true
  }

  mutating func string(_ value: String) {
    comma()
    bytes.append(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { utf8 in
      for byte in utf8 {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
          bytes.append(UInt8(ascii: "\\"))
          bytes.append(byte)
        case 0..<32:
          bytes.append(contentsOf: "\\u00".utf8)
          bytes.append(Self.hex[Int(byte >> 4)])
          bytes.append(Self.hex[Int(byte & 15)])
        default: bytes.append(byte)
        }
      }
    }
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  /// The colon after a name that was written with ``string(_:)``.
  mutating func colon() {
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  private static let hex = Array("0123456789abcdef".utf8)

  private mutating func comma() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  private mutating func enclosed(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONBytes) -> Void) {
    comma()
    bytes.append(UInt8(ascii: open))
    needsComma = false
    body(&self)
    bytes.append(UInt8(ascii: close))
    needsComma = true
  }
}
