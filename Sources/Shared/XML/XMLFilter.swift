/// The second pass for a document that a strict parse refused because of its characters (items 22 and 54).
///
/// Control characters are dropped, bytes that are not UTF-8 become U+FFFD, and an `&` that begins no character
/// reference and none of the five predefined entities becomes `&amp;`, except in CDATA sections and comments, where it
/// is text.
public enum XMLFilter {
  /// The document as UTF-8 that a strict parse can read, if nothing else was wrong with it.
  ///
  /// - Parameters:
  ///   - charset: As for ``XMLPushParser/begin(charset:)``. Parse the result as UTF-8.
  ///   - limit: The filter may lengthen a document; it stops a little beyond this many bytes, for the parser to refuse.
  public static func filtered(_ document: Span<UInt8>, charset: XMLCharset? = nil, limit: Int = .max) -> [UInt8] {
    document.withUnsafeBufferPointer { filtered($0, charset: charset, limit: limit) }
  }

  private static func filtered(
    _ document: UnsafeBufferPointer<UInt8>, charset: XMLCharset?, limit: Int
  ) -> [UInt8] {
    // NULs before the first tag would be taken for UTF-16.
    let leadingNULs = document.count > 1 && document[0] == 0 && document[1] != UInt8(ascii: "<")
    let start = leadingNULs ? document.firstIndex { $0 != 0 } ?? document.count : 0
    let body = UnsafeBufferPointer(rebasing: document[start...])
    var preamble = XMLPreamble(charset: charset)
    let offset = preamble.take(body) ?? preamble.end() ?? 0
    let rest = UnsafeBufferPointer(rebasing: body[offset...])
    guard preamble.charset != .utf8 else { return clean(String(decoding: rest, as: UTF8.self), limit: limit) }
    var transcoder = XMLTranscoder(preamble.charset, bigEndian: preamble.bigEndian)
    return clean(String(decoding: transcoder.transcode(rest), as: UTF8.self), limit: limit)
  }

  private static func clean(_ text: String, limit: Int) -> [UInt8] {
    // String(decoding:) has replaced what is not UTF-8 already.
    var text = text
    return text.withUTF8 { bytes in
      var cleaner = Cleaner(bytes)
      return cleaner.run(limit: limit)
    }
  }
}

private struct Cleaner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var result: [UInt8] = []

  private enum Reference {
    /// A predefined entity or the reference of a character that XML allows.
    case good
    /// The reference of a character that XML forbids, of this length.
    case forbidden(length: Int)
    /// An `&` that begins no reference, or an entity's that nothing has declared.
    case none
  }

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    result.reserveCapacity(bytes.count + 64)
  }

  mutating func run(limit: Int) -> [UInt8] {
    while position < bytes.count, result.count <= limit {
      switch bytes[position] {
      case UInt8(ascii: "<") where starts(with: "<![CDATA["): copy(until: "]]>")
      case UInt8(ascii: "<") where starts(with: "<!--"): copy(until: "-->")
      case UInt8(ascii: "&"): ampersand()
      default: copyOne()
      }
    }
    return result
  }

  private mutating func ampersand() {
    switch reference {
    case .good: copyOne()
    case .forbidden(let length): position += length
    case .none:
      result.append(contentsOf: "&amp;".utf8)
      position += 1
    }
  }

  /// Copies a byte unless XML 1.0 forbids the character (also U+FFFE and U+FFFF, EF BF BE/BF).
  private mutating func copyOne() {
    let byte = bytes[position]
    position += 1
    if byte < 0x20, byte != 9, byte != 10, byte != 13 { return }
    if byte == 0xEF, position + 1 < bytes.count, bytes[position] == 0xBF, bytes[position + 1] >= 0xBE {
      position += 2
      return
    }
    result.append(byte)
  }

  private mutating func copy(until end: StaticString) {
    while position < bytes.count, !starts(with: end) { copyOne() }
  }

  private func starts(with text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
    return true
  }

  /// What the `&` at the position begins.
  private var reference: Reference {
    guard starts(with: "&#") else {
      let isEntity =
        starts(with: "&amp;") || starts(with: "&lt;") || starts(with: "&gt;") || starts(with: "&quot;")
        || starts(with: "&apos;")
      return isEntity ? .good : .none
    }
    let isHexadecimal = position + 2 < bytes.count && bytes[position + 2] == UInt8(ascii: "x")
    var (index, value, digits) = (position + (isHexadecimal ? 3 : 2), 0, 0)
    while index < bytes.count, value <= 0x10FFFF,
      let digit = Self.digit(bytes[index], radix: isHexadecimal ? 16 : 10)
    {
      value = value * (isHexadecimal ? 16 : 10) + digit
      digits += 1
      index += 1
    }
    guard digits > 0, index < bytes.count, bytes[index] == UInt8(ascii: ";") else { return .none }
    switch value {
    case 9, 10, 13, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: return .good
    default: return .forbidden(length: index + 1 - position)
    }
  }

  private static func digit(_ byte: UInt8, radix: Int) -> Int? {
    switch byte {
    case 48...57: Int(byte) - 48
    case 65...70 where radix == 16: Int(byte) - 55
    case 97...102 where radix == 16: Int(byte) - 87
    default: nil
    }
  }
}
