/// A 16-byte identifier: device id, session id, task id, process instance.
///
/// Ordered as its bytes are (so UUIDv7 values sort by time). Text is RFC 9562 §4: 36 lower-case characters.
public struct UUID128: Hashable, Sendable {
  /// The first eight bytes, big-endian.
  public let high: UInt64
  /// The last eight bytes, big-endian.
  public let low: UInt64

  /// An identifier of its two big-endian halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The nil UUID: 16 zero bytes.
  public static let zero = UUID128(high: 0, low: 0)

  /// An identifier of exactly 16 bytes in network order; `nil` for any other count.
  public init?(bytes: Span<UInt8>) {
    guard bytes.count == 16 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for index in 0..<8 {
      high = high << 8 | UInt64(bytes[index])
      low = low << 8 | UInt64(bytes[index + 8])
    }
    self.init(high: high, low: low)
  }

  /// An identifier of exactly 16 bytes in network order; `nil` for any other count.
  public init?(bytes: [UInt8]) {
    self.init(bytes: bytes.span)
  }

  /// An identifier from 36 (with dashes) or 32 hexadecimal digits of either case; `nil` for anything else.
  public init?(text: Span<UInt8>) {
    guard text.count == 36 || text.count == 32 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    var digits = 0
    for index in text.indices {
      let byte = text[index]
      if text.count == 36, index == 8 || index == 13 || index == 18 || index == 23 {
        guard byte == UInt8(ascii: "-") else { return nil }
        continue
      }
      guard let value = Hex.value(of: byte) else { return nil }
      if digits < 16 { high = high << 4 | UInt64(value) } else { low = low << 4 | UInt64(value) }
      digits += 1
    }
    self.init(high: high, low: low)
  }

  /// The byte at `index`, 0 to 15, in network order.
  public subscript(byte index: Int) -> UInt8 {
    index < 8
      ? UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * index))
      : UInt8(truncatingIfNeeded: low >> UInt64(120 - 8 * index))
  }

  /// The 16 bytes in network order.
  public var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
      for index in 0..<16 { buffer[index] = self[byte: index] }
      count = 16
    }
  }

  /// Appends the 16 bytes in network order.
  public func append(to output: inout [UInt8]) {
    for index in 0..<16 { output.append(self[byte: index]) }
  }

  /// Appends the 36 characters of the text form.
  public func appendText(to output: inout [UInt8]) {
    for index in 0..<16 {
      if index == 4 || index == 6 || index == 8 || index == 10 { output.append(UInt8(ascii: "-")) }
      let byte = self[byte: index]
      output.append(Hex.digit(byte >> 4))
      output.append(Hex.digit(byte & 15))
    }
  }

  /// The 22 characters of base64url without padding, the short form used in CommandKeys and cookies.
  public var base64URL: String { Base64.encode(bytes.span, .url) }

  /// An identifier from the 22 characters of its base64url form; `nil` for anything else.
  public init?(base64URL text: Span<UInt8>) {
    guard text.count == 22, let bytes = Base64.decode(text, .url) else { return nil }
    self.init(bytes: bytes.span)
  }

  /// The version nibble: 5 for names, 7 for times.
  public var version: Int { Int(high >> 12 & 0xF) }

  /// The Unix time in milliseconds in a version 7 identifier; `nil` for other versions (RFC 9562 §5.7).
  public var unixMilliseconds: Int64? { version == 7 ? Int64(high >> 16) : nil }
}

extension UUID128: Comparable {
  /// Byte order, which for version 7 is the order of time.
  public static func < (left: UUID128, right: UUID128) -> Bool {
    left.high == right.high ? left.low < right.low : left.high < right.high
  }
}

extension UUID128: LosslessStringConvertible {
  /// An identifier from its text form, see ``init(text:)``.
  public init?(_ description: String) {
    self.init(text: Array(description.utf8).span)
  }

  /// The 36-character lower-case text form.
  public var description: String {
    var text: [UInt8] = []
    text.reserveCapacity(36)
    appendText(to: &text)
    return String(decoding: text, as: UTF8.self)
  }
}

extension UUID128: Codable {
  /// Decodes the text form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = UUID128(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a UUID")
    }
    self = value
  }

  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
