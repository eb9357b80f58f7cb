/// Turns ISO-8859-1 or UTF-16 into UTF-8, chunk by chunk; what is invalid becomes U+FFFD and is noted (item 22).
struct XMLTranscoder {
  /// Whether something was replaced.
  private(set) var replaced = false

  private let charset: XMLCharset
  private let bigEndian: Bool
  private var oddByte: UInt8?
  private var highSurrogate: UInt16?
  private var text: [UInt8] = []

  init(_ charset: XMLCharset, bigEndian: Bool) {
    self.charset = charset
    self.bigEndian = bigEndian
  }

  /// The chunk as UTF-8; half a code unit or half a surrogate pair waits for the next chunk.
  mutating func transcode(_ chunk: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    text.removeAll(keepingCapacity: true)
    text.reserveCapacity(chunk.count + chunk.count / 4 + 8)
    switch charset {
    case .utf16: appendUTF16(chunk)
    case .latin1, .utf8: for byte in chunk { append(UInt32(byte)) }
    }
    return text
  }

  private mutating func appendUTF16(_ chunk: UnsafeBufferPointer<UInt8>) {
    for byte in chunk {
      guard let first = oddByte else {
        oddByte = byte
        continue
      }
      oddByte = nil
      let unit = bigEndian ? UInt16(first) << 8 | UInt16(byte) : UInt16(byte) << 8 | UInt16(first)
      append(unit: unit)
    }
  }

  private mutating func append(unit: UInt16) {
    if let high = highSurrogate {
      highSurrogate = nil
      if UTF16.isTrailSurrogate(unit) {
        append(0x10000 + (UInt32(high) & 0x3FF) << 10 + (UInt32(unit) & 0x3FF))
        return
      }
      appendReplacement()
    }
    if UTF16.isLeadSurrogate(unit) {
      highSurrogate = unit
    } else if UTF16.isTrailSurrogate(unit) {
      appendReplacement()
    } else {
      append(UInt32(unit))
    }
  }

  private mutating func appendReplacement() {
    replaced = true
    append(0xFFFD)
  }

  private mutating func append(_ scalar: UInt32) {
    if scalar < 0x80 {
      text.append(UInt8(scalar))
    } else if let scalar = Unicode.Scalar(scalar) {
      if let encoded = UTF8.encode(scalar) { text.append(contentsOf: encoded) }
    }
  }
}
