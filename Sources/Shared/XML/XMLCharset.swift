/// The charsets that a document may come in (item 22).
public enum XMLCharset: Sendable, Hashable {
  /// UTF-8, of which US-ASCII is a part.
  case utf8
  /// ISO-8859-1, also taken for its near relations windows-1252 and ISO-8859-15.
  case latin1
  /// UTF-16; the byte order comes from the BOM, else from the first bytes, else big-endian.
  case utf16

  /// The charset of a label such as `ISO-8859-1`, in any case, with or without quotes; nil for a label not known here
  /// (the document is then read as if none had been given).
  public init?(label: String) {
    let name = label.utf8.filter { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'") && $0 > 0x20 }
    switch String(decoding: name.map(Self.lowercased), as: UTF8.self) {
    case "utf-8", "utf8", "us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us": self = .utf8
    case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1", "windows-1252", "cp1252", "iso-8859-15":
      self = .latin1
    case "utf-16", "utf16", "utf-16le", "utf-16be", "ucs-2", "iso-10646-ucs-2": self = .utf16
    default: return nil
    }
  }

  /// The label that a Content-Type names, at most 64 bytes of it; empty where it names none.
  public static func label(inContentType text: String) -> String {
    for parameter in text.utf8.split(separator: UInt8(ascii: ";")).dropFirst() {
      let name = parameter.drop { $0 == 0x20 || $0 == 9 }
      let isCharset = name.count > 8 && zip(name, "charset=".utf8).allSatisfy { lowercased($0) == $1 }
      if isCharset { return String(decoding: name.dropFirst(8).prefix(64), as: UTF8.self) }
    }
    return ""
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }
}
