/// What people read: tables and lists of facts.
enum Output {
  /// Columns under headings, as wide as their widest field, two spaces between.
  static func table(_ headings: [String], _ rows: [[String]]) -> String {
    let lines = [headings] + rows.map { row in row.map(plain) }
    let widths = headings.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      var text = ""
      for (column, field) in line.enumerated() {
        text += field
        if column < line.count - 1 { text += String(repeating: " ", count: widths[column] - field.count + 2) }
      }
      while text.hasSuffix(" ") { text.removeLast() }
      return text + "\n"
    }.joined()
  }

  /// The members of an object, one a line; those of objects within under dotted names, lists of objects under numbers.
  static func facts(_ document: JSONDocument, order: [String] = []) -> String {
    var rows: [(String, String)] = []
    collect(document, "", order, &rows)
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { name, value in
      name + String(repeating: " ", count: width - name.count + 2) + value + "\n"
    }.joined()
  }

  private static func collect(
    _ document: JSONDocument, _ name: String, _ order: [String], _ rows: inout [(String, String)]
  ) {
    switch document {
    case .object(let members):
      let first = order.filter { members[$0] != nil }
      for key in first + members.keys.sorted().filter({ !first.contains($0) }) {
        collect(members[key] ?? .null, name.isEmpty ? key : "\(name).\(key)", [], &rows)
      }
    case .array(let items) where items.contains { if case .object = $0 { true } else { false } }:
      for (index, item) in items.enumerated() { collect(item, "\(name)[\(index)]", [], &rows) }
    default: rows.append((name, plain(document.shown)))
    }
  }

  /// Without control characters: what a CPE says must not command a terminal.
  static func plain(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var plain = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { plain.append(isControl(scalar) ? "·" : scalar) }
    return String(plain)
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
  }
}
