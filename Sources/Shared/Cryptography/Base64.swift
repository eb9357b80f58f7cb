/// Base64 text of bytes, in both alphabets (RFC 4648 §4, §5).
public enum Base64 {
  /// The two alphabets.
  public enum Alphabet: Sendable {
    /// `+` and `/`, padded when written.
    case standard
    /// `-` and `_`, never padded when written: safe in cookies, headers and CommandKeys.
    case url
  }

  /// The text of the bytes.
  public static func encode(_ bytes: Span<UInt8>, _ alphabet: Alphabet = .standard) -> String {
    var output: [UInt8] = []
    output.reserveCapacity((bytes.count + 2) / 3 * 4)
    append(bytes, to: &output, alphabet)
    return String(decoding: output, as: UTF8.self)
  }

  /// Appends the text of the bytes.
  public static func append(_ bytes: Span<UInt8>, to output: inout [UInt8], _ alphabet: Alphabet = .standard) {
    var index = 0
    while index < bytes.count {
      let left = bytes.count - index
      let second = left > 1 ? bytes[index + 1] : 0
      let third = left > 2 ? bytes[index + 2] : 0
      let group = UInt32(bytes[index]) << 16 | UInt32(second) << 8 | UInt32(third)
      output.append(character(group >> 18, alphabet))
      output.append(character(group >> 12, alphabet))
      if left > 1 { output.append(character(group >> 6, alphabet)) }
      if left > 2 { output.append(character(group, alphabet)) }
      if left < 3, alphabet == .standard {
        for _ in left..<3 { output.append(UInt8(ascii: "=")) }
      }
      index += 3
    }
  }

  /// The bytes of the text, with or without padding; `nil` for a foreign character, an impossible length, or bits that
  /// no encoder sets (so that one value has one text, which MACs and cookies rely on).
  public static func decode(_ text: Span<UInt8>, _ alphabet: Alphabet = .standard) -> [UInt8]? {
    var end = text.count
    if end.isMultiple(of: 4), end > 0 {
      if text[end - 1] == UInt8(ascii: "=") { end -= 1 }
      if text[end - 1] == UInt8(ascii: "=") { end -= 1 }
    }
    guard end % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(end * 3 / 4)
    var group: UInt32 = 0
    var bits: UInt32 = 0
    for index in 0..<end {
      guard let value = value(of: text[index], alphabet) else { return nil }
      group = group << 6 | value
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: group >> bits))
      }
    }
    guard group & ((1 << bits) - 1) == 0 else { return nil }
    return bytes
  }

  /// The bytes of the text, see ``decode(_:_:)-(Span<UInt8>,_)``.
  public static func decode(_ text: String, _ alphabet: Alphabet = .standard) -> [UInt8]? {
    decode(Array(text.utf8).span, alphabet)
  }

  private static func character(_ sixBits: UInt32, _ alphabet: Alphabet) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: sixBits & 63)
    switch value {
    case 0..<26: return UInt8(ascii: "A") + value
    case 26..<52: return UInt8(ascii: "a") + value - 26
    case 52..<62: return UInt8(ascii: "0") + value - 52
    case 62: return alphabet == .url ? UInt8(ascii: "-") : UInt8(ascii: "+")
    default: return alphabet == .url ? UInt8(ascii: "_") : UInt8(ascii: "/")
    }
  }

  private static func value(of character: UInt8, _ alphabet: Alphabet) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "-") where alphabet == .url: 62
    case UInt8(ascii: "_") where alphabet == .url: 63
    case UInt8(ascii: "+") where alphabet == .standard: 62
    case UInt8(ascii: "/") where alphabet == .standard: 63
    default: nil
    }
  }
}
