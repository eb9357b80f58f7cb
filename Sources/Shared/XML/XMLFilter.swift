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
    guard preamble.charset != .utf8 else { return clean(rest, limit: limit) }
    var transcoder = XMLTranscoder(preamble.charset, bigEndian: preamble.bigEndian)
    return transcoder.transcode(rest).withUnsafeBufferPointer { clean($0, limit: limit) }
  }

  private static func clean(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int) -> [UInt8] {
    var cleaner = Cleaner(bytes)
    return cleaner.run(limit: limit)
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

  /// Copies a character unless XML 1.0 forbids it.
  private mutating func copyOne() {
    let byte = bytes[position]
    guard byte < 0x80 else { return copyLong(byte) }
    position += 1
    if byte >= 0x20 || byte == 9 || byte == 10 || byte == 13 { result.append(byte) }
  }

  /// Copies a character of several bytes, but for U+FFFE and U+FFFF, which XML forbids. What is none becomes U+FFFD,
  /// one for each part that could have begun one (Unicode, section 3.9, table 3-7).
  private mutating func copyLong(_ lead: UInt8) {
    let (count, second): (Int, ClosedRange<UInt8>) =
      switch lead {
      case 0xC2...0xDF: (2, 0x80...0xBF)
      case 0xE0: (3, 0xA0...0xBF)
      case 0xED: (3, 0x80...0x9F)
      case 0xE1...0xEF: (3, 0x80...0xBF)
      case 0xF0: (4, 0x90...0xBF)
      case 0xF1...0xF3: (4, 0x80...0xBF)
      case 0xF4: (4, 0x80...0x8F)
      default: (0, 0x80...0xBF)
      }
    let start = position
    position += 1
    if count > 1, position < bytes.count, second.contains(bytes[position]) {
      position += 1
      while position < min(start + count, bytes.count), bytes[position] & 0xC0 == 0x80 { position += 1 }
    }
    guard position == start + count else { return result.append(contentsOf: [0xEF, 0xBF, 0xBD]) }
    let isForbidden = lead == 0xEF && bytes[start + 1] == 0xBF && bytes[start + 2] >= 0xBE
    if !isForbidden { result.append(contentsOf: bytes[start..<position]) }
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
