import HTTP

/// Reads Cookie fields as CPEs write them: quoted values, commas for semicolons, echoed attributes (item 15, quirk Q3,
/// Q4).
enum CookieField {
  /// The value of the last cookie named `session`, for a CPE may keep an older session's before it.
  static func session(in head: RequestHead) -> [UInt8]? {
    var found: [UInt8]?
    for value in head.values(of: "cookie") {
      for pair in value.utf8.split(whereSeparator: { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: ",") }) {
        if let value = sessionValue(pair) { found = value }
      }
    }
    return found
  }

  private static func sessionValue(_ pair: Substring.UTF8View) -> [UInt8]? {
    let trimmed = trim(pair)
    guard trimmed.starts(with: "session=".utf8) else { return nil }
    let value = trim(trimmed.dropFirst("session=".utf8.count)[...])
    let quote = UInt8(ascii: "\"")
    return value.first == quote && value.last == quote && value.count >= 2
      ? Array(value.dropFirst().dropLast()) : Array(value)
  }

  private static func trim(_ text: Substring.UTF8View) -> Substring.UTF8View {
    var text = text
    while let first = text.first, first == 0x20 || first == 0x09 { text = text.dropFirst() }
    while let last = text.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
    return text
  }
}
