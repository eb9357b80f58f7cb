/// The `xsi:type` of a parameter's value.
public enum ParameterType: Sendable, Hashable {
  /// `xsd:string`
  case string
  /// `xsd:int`, 32 bits
  case int
  /// `xsd:unsignedInt`, 32 bits
  case unsignedInt
  /// `xsd:long`, 64 bits
  case long
  /// `xsd:unsignedLong`, 64 bits
  case unsignedLong
  /// `xsd:boolean`
  case boolean
  /// `xsd:dateTime`
  case dateTime
  /// `xsd:base64`, also written `xsd:base64Binary`
  case base64
  /// `xsd:hexBinary`
  case hexBinary
  /// `xsd:decimal`
  case decimal
  /// Any other text, kept as it came: `xsd:json`, `xsd:`, or the empty text of a missing type (Q26, Q27).
  case other(String)

  /// The type of that `xsi:type`, by its part after the prefix.
  public init(wireName: String) {
    let local = wireName.utf8.lastIndex(of: UInt8(ascii: ":")).map { wireName[wireName.utf8.index(after: $0)...] }
    self =
      switch local ?? wireName[...] {
      case "string": .string
      case "int": .int
      case "unsignedInt": .unsignedInt
      case "long": .long
      case "unsignedLong": .unsignedLong
      case "boolean": .boolean
      case "dateTime": .dateTime
      case "base64", "base64Binary": .base64
      case "hexBinary": .hexBinary
      case "decimal": .decimal
      default: .other(wireName)
      }
  }

  /// The `xsi:type` to send: `xsd:string` for a text that is no type.
  public var wireName: String {
    switch self {
    case .string: "xsd:string"
    case .int: "xsd:int"
    case .unsignedInt: "xsd:unsignedInt"
    case .long: "xsd:long"
    case .unsignedLong: "xsd:unsignedLong"
    case .boolean: "xsd:boolean"
    case .dateTime: "xsd:dateTime"
    case .base64: "xsd:base64"
    case .hexBinary: "xsd:hexBinary"
    case .decimal: "xsd:decimal"
    case .other(let text): text.utf8.count > 4 && text.utf8.starts(with: "xsd:".utf8) ? text : "xsd:string"
    }
  }

  /// Whether this is one of the ten types of the CWMP schema.
  public var isKnown: Bool {
    if case .other = self { false } else { true }
  }
}
