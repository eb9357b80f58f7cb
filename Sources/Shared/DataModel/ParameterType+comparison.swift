extension ParameterType {
  /// Whether two texts are the same value of this type: booleans, numbers and moments by value, hexadecimal digits
  /// without regard to case, base64 without regard to white space, everything else byte for byte.
  ///
  /// Texts that are no value of the type are compared byte for byte, so that nonsense is never equal to sense.
  public func isSame(_ left: String, _ right: String) -> Bool {
    if left.utf8.elementsEqual(right.utf8) { return true }
    switch self {
    case .boolean: return Self.same(Self.boolean(left), Self.boolean(right))
    case .int, .unsignedInt, .long, .unsignedLong, .decimal:
      return Self.same(DecimalText(left), DecimalText(right))
    case .dateTime: return Self.same(DateTimeText(left)?.instant, DateTimeText(right)?.instant)
    case .hexBinary:
      return Self.trimmed(left).lowercased().utf8.elementsEqual(Self.trimmed(right).lowercased().utf8)
    case .base64:
      return left.utf8.lazy.filter { $0 > 0x20 }.elementsEqual(right.utf8.lazy.filter { $0 > 0x20 })
    case .string, .other: return false
    }
  }

  /// The value of an `xsd:boolean`, which is written `1`, `0`, `true` or `false`, by some CPEs with capitals.
  public static func boolean(_ text: String) -> Bool? {
    switch trimmed(text).lowercased() {
    case "1", "true": true
    case "0", "false": false
    default: nil
    }
  }

  private static func same<Value: Equatable>(_ left: Value?, _ right: Value?) -> Bool {
    left != nil && left == right
  }

  private static func trimmed(_ text: String) -> Substring {
    var bytes = text.utf8[...]
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
    return Substring(bytes)
  }
}

extension ParameterType {
  /// Whether the text is a value of a type with a written form of its own: a boolean, number or moment.
  public func isValue(_ text: String) -> Bool {
    switch self {
    case .boolean: Self.boolean(text) != nil
    case .int, .unsignedInt, .long, .unsignedLong, .decimal: DecimalText(text) != nil
    case .dateTime: DateTimeText(text) != nil
    case .string, .base64, .hexBinary, .other: true
    }
  }
}
