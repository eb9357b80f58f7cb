/// The type of a parameter's value: what stands in `xsi:type` (items 45 and 46).
public enum ParameterType: String, Sendable, Hashable, Codable, CaseIterable {
  /// Text; also everything without a type or with one that is not known.
  case string
  /// A signed 32-bit number.
  case int
  /// An unsigned 32-bit number.
  case unsignedInt
  /// A signed 64-bit number.
  case long
  /// An unsigned 64-bit number.
  case unsignedLong
  /// `0`, `1`, `true` or `false`.
  case boolean
  /// A date and time, see ``DateTimeText``.
  case dateTime
  /// Bytes in Base64.
  case base64
  /// Bytes in hexadecimal.
  case hexBinary

  /// Reads an `xsi:type` by its local name, whatever prefix stands before it; nil for a name that is not known.
  public init?(qualifiedName: String) {
    let name = qualifiedName.trimmingXMLSpace()
    let local = name.split(separator: ":", omittingEmptySubsequences: false).last.map(String.init) ?? name
    switch local {
    case "string": self = .string
    case "int", "integer", "short", "byte": self = .int
    case "unsignedInt", "unsignedinteger", "unsignedShort", "unsignedByte", "nonNegativeInteger", "positiveInteger":
      self = .unsignedInt
    case "long": self = .long
    case "unsignedLong": self = .unsignedLong
    case "boolean": self = .boolean
    case "dateTime": self = .dateTime
    case "base64", "base64Binary": self = .base64
    case "hexBinary": self = .hexBinary
    default: return nil
    }
  }

  /// The name as it goes out, with the prefix that ``EnvelopeWriter`` declares. `base64` is SOAP's own type.
  public var qualifiedName: String { self == .base64 ? "soap-enc:base64" : "xsd:\(rawValue)" }

  /// Whether white space around a value of this type is no part of it (item 50).
  var isTrimmed: Bool { self != .string }

  /// The type in one byte, as ``TextTable`` keeps it. The numbers enter digests: never change one.
  enum Code: UInt8, Sendable {
    case string, int, unsignedInt, long, unsignedLong, boolean, dateTime, base64, hexBinary

    /// As ``ParameterType/init(qualifiedName:)``, the common ones without a String.
    @inline(__always)
    init?(qualifiedName: Span<UInt8>) {
      if qualifiedName.endsWith(":string") {
        self = .string
      } else if qualifiedName.endsWith(":boolean") {
        self = .boolean
      } else if qualifiedName.endsWith(":unsignedInt") {
        self = .unsignedInt
      } else {
        let name = qualifiedName.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        guard let type = ParameterType(qualifiedName: name) else { return nil }
        self = type.code
      }
    }

    var type: ParameterType {
      switch self {
      case .string: .string
      case .int: .int
      case .unsignedInt: .unsignedInt
      case .long: .long
      case .unsignedLong: .unsignedLong
      case .boolean: .boolean
      case .dateTime: .dateTime
      case .base64: .base64
      case .hexBinary: .hexBinary
      }
    }
  }

  var code: Code {
    switch self {
    case .string: .string
    case .int: .int
    case .unsignedInt: .unsignedInt
    case .long: .long
    case .unsignedLong: .unsignedLong
    case .boolean: .boolean
    case .dateTime: .dateTime
    case .base64: .base64
    case .hexBinary: .hexBinary
    }
  }
}

extension Span<UInt8> {
  @inline(__always)
  fileprivate func endsWith(_ suffix: StaticString) -> Bool {
    let length = suffix.utf8CodeUnitCount
    guard count >= length else { return false }
    for index in 0..<length where self[count - length + index] != suffix.utf8Start[index] { return false }
    return true
  }
}
