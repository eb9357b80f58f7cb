/// Reads the fields of a block's encoding and trusts none of them.
struct ByteReader {
  private let bytes: [UInt8]
  private(set) var offset = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  var remaining: Int { bytes.count - offset }

  mutating func byte() throws(TwinBlockError.Reason) -> UInt8 {
    guard offset < bytes.count else { throw .truncated }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func number() throws(TwinBlockError.Reason) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try byte()
      guard shift < 63 || (shift == 63 && byte <= 1) else { throw .malformed }
      value |= UInt64(byte & 0x7F) << shift
      guard byte >= 0x80 else { return value }
      shift += 7
    }
  }

  /// A count or length, which cannot exceed the bytes that follow it.
  mutating func count() throws(TwinBlockError.Reason) -> Int {
    let value = try number()
    guard value <= UInt64(remaining) else { throw .truncated }
    return Int(value)
  }

  mutating func slice(_ count: Int) throws(TwinBlockError.Reason) -> ArraySlice<UInt8> {
    guard count <= remaining else { throw .truncated }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  mutating func text() throws(TwinBlockError.Reason) -> String {
    guard let text = String(validating: try slice(try count()), as: UTF8.self) else { throw .notUTF8 }
    return text
  }
}

extension TwinBlockError.Reason: Error {}
