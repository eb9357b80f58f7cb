/// The second pass for a document that a strict parse refused because of its characters (items 22 and 54).
///
/// Control characters are dropped, bytes that are not UTF-8 become U+FFFD, and an `&` that begins no character reference
/// and none of the five predefined entities becomes `&amp;`, except in CDATA sections and comments, where it is text.
public enum XMLFilter {
  /// The document as UTF-8 that a strict parse can read, if nothing else was wrong with it.
  ///
  /// - Parameter charset: As for ``XMLPushParser/begin(charset:)``. Parse the result as UTF-8.
  public static func filtered(_ document: Span<UInt8>, charset: XMLCharset? = nil) -> [UInt8] {
    document.withUnsafeBufferPointer { filtered($0, charset: charset) }
  }

  private static func filtered(_ document: UnsafeBufferPointer<UInt8>, charset: XMLCharset?) -> [UInt8] {
    // NULs before the first tag would be taken for UTF-16.
    let leadingNULs = document.count > 1 && document[0] == 0 && document[1] != UInt8(ascii: "<")
    let start = leadingNULs ? document.firstIndex { $0 != 0 } ?? document.count : 0
    let body = UnsafeBufferPointer(rebasing: document[start...])
    var preamble = XMLPreamble(charset: charset)
    let offset = preamble.take(body) ?? preamble.end() ?? 0
    let rest = UnsafeBufferPointer(rebasing: body[offset...])
    guard preamble.charset != .utf8 else { return clean(String(decoding: rest, as: UTF8.self)) }
    var transcoder = XMLTranscoder(preamble.charset, bigEndian: preamble.bigEndian)
    return clean(String(decoding: transcoder.transcode(rest), as: UTF8.self))
  }

  private static func clean(_ text: String) -> [UInt8] {
    // String(decoding:) has replaced what is not UTF-8 already.
    var text = text
    return text.withUTF8 { bytes in
      var cleaner = Cleaner(bytes)
      return cleaner.run()
    }
  }
}

private struct Cleaner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var result: [UInt8] = []

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    result.reserveCapacity(bytes.count + 64)
  }

  mutating func run() -> [UInt8] {
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "<"), starts(with: "<![CDATA[") {
        copy(until: "]]>")
      } else if byte == UInt8(ascii: "<"), starts(with: "<!--") {
        copy(until: "-->")
      } else if byte == UInt8(ascii: "&"), !isReference {
        result.append(contentsOf: "&amp;".utf8)
        position += 1
      } else if byte == UInt8(ascii: "&"), isForbiddenReference {
        skipReference()
      } else {
        copyOne()
      }
    }
    return result
  }

  /// Copies a byte unless XML 1.0 forbids the character (also U+FFFE and U+FFFF, EF BF BE/BF).
  private mutating func copyOne() {
    let byte = bytes[position]
    defer { position += 1 }
    if byte < 0x20, byte != 9, byte != 10, byte != 13 { return }
    if byte == 0xEF, position + 2 < bytes.count, bytes[position + 1] == 0xBF, bytes[position + 2] >= 0xBE {
      position += 2
      return
    }
    result.append(byte)
  }

  private mutating func copy(until end: StaticString) {
    while position < bytes.count, !starts(with: end) { copyOne() }
  }

  private func starts(with text: StaticString) -> Bool {
    guard position + text.utf8CodeUnitCount <= bytes.count else { return false }
    return (0..<text.utf8CodeUnitCount).allSatisfy { bytes[position + $0] == text.utf8Start[$0] }
  }

  private var isReference: Bool {
    let names: [StaticString] = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"]
    if names.contains(where: { starts(with: $0) }) { return true }
    return numericReference != nil
  }

  private var isForbiddenReference: Bool {
    guard let number = numericReference?.value else { return false }
    switch number {
    case 9, 10, 13, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: return false
    default: return true
    }
  }

  private mutating func skipReference() { position += numericReference?.length ?? 1 }

  /// A character reference at the position: its code point and its length in bytes.
  private var numericReference: (value: Int, length: Int)? {
    guard starts(with: "&#") else { return nil }
    let isHex = position + 2 < bytes.count && bytes[position + 2] == UInt8(ascii: "x")
    let start = position + (isHex ? 3 : 2)
    guard start < bytes.count,
      let end = bytes[start..<min(start + 10, bytes.count)].firstIndex(of: UInt8(ascii: ";")), end > start
    else { return nil }
    let digits = String(decoding: bytes[start..<end], as: UTF8.self)
    guard digits.first != "+", digits.first != "-", let value = Int(digits, radix: isHex ? 16 : 10) else { return nil }
    return (value, end + 1 - position)
  }
}
