import CWMP

/// Whether a text is a value of a type, and how the CPE writes it.
enum ValueCheck {
  /// The value as the CPE keeps it; nil if it is none of the type (9007).
  static func normalised(_ text: String, _ type: ParameterType) -> String? {
    switch type {
    case .string: return text
    case .boolean:
      switch text.lowercased() {
      case "1", "true": return "1"
      case "0", "false": return "0"
      default: return nil
      }
    case .int: return Int32(text).map(String.init)
    case .unsignedInt: return UInt32(text).map(String.init)
    case .long: return Int64(text).map(String.init)
    case .unsignedLong: return UInt64(text).map(String.init)
    case .dateTime: return DateTimeText(text).meaning == .unparsable ? nil : text
    case .hexBinary: return text.utf8.count % 2 == 0 && text.allSatisfy(\.isHexDigit) ? text : nil
    case .base64: return text.utf8.allSatisfy(isBase64) ? text : nil
    }
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F, 0x3D: true
    default: false
    }
  }
}
