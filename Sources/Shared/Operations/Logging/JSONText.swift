/// JSON strings as bytes (RFC 8259 §7).
enum JSONText {
  /// Appends the quoted text, cut after `limit` bytes at a character's end.
  static func append(_ text: String, limit: Int = .max, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    // Nearly all texts are short and plain: one copy instead of a look at what each byte becomes.
    let isPlain = text.utf8.count <= limit && !text.utf8.contains(where: needsEscape)
    if isPlain {
      bytes.append(contentsOf: text.utf8)
      bytes.append(UInt8(ascii: "\""))
      return
    }
    var written = 0
    for byte in text.utf8 {
      // Only the first byte of a character is below 0x80 or at least 0xC0: cutting there keeps the text valid.
      if written >= limit, byte & 0xC0 != 0x80 {
        bytes.append(contentsOf: "…".utf8)
        break
      }
      append(byte, to: &bytes)
      written += 1
    }
    bytes.append(UInt8(ascii: "\""))
  }

  @inline(__always)
  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
  }

  private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""): bytes.append(ascii: "\\\"")
    case UInt8(ascii: "\\"): bytes.append(ascii: "\\\\")
    case 0x0A: bytes.append(ascii: "\\n")
    case 0x0D: bytes.append(ascii: "\\r")
    case 0x09: bytes.append(ascii: "\\t")
    case 0..<0x20, 0x7F:
      bytes.append(ascii: "\\u00")
      bytes.append(digit(byte >> 4))
      bytes.append(digit(byte & 15))
    default: bytes.append(byte)
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}
