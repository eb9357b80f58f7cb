/// The statements of a script as words: enough of SQL's lexical rules (comments, strings, quoted names, dollar quotes)
/// to tell what each of them does.
struct SQLStatements {
  /// Each statement's words: names and keywords in lower case, a quoted name as it is, a string as `'`, any other
  /// character by itself.
  private(set) var statements: [[String]] = []
  private var rest: Substring.UnicodeScalarView
  private var words: [String] = []

  init(_ sql: String) {
    rest = Substring(sql).unicodeScalars
    while let next = rest.first { take(next) }
    endStatement()
  }

  private mutating func take(_ next: Unicode.Scalar) {
    switch next {
    case _ where next.properties.isWhitespace: rest.removeFirst()
    case "-" where rest.dropFirst().first == "-": skip(through: "\n")
    case "/" where rest.dropFirst().first == "*": skip(through: "*/")
    case "'": string()
    case "\"": quoted()
    case "$" where dollarTag != nil: dollarQuote()
    case ";":
      rest.removeFirst()
      endStatement()
    case _ where Self.isWord(next):
      let word = rest.prefix(while: Self.isWord)
      rest = rest.dropFirst(word.count)
      words.append(String(word).lowercased())
    default:
      rest.removeFirst()
      words.append(String(next))
    }
  }

  private mutating func endStatement() {
    if !words.isEmpty { statements.append(words) }
    words = []
  }

  private mutating func skip(through end: String) {
    while !rest.isEmpty {
      if rest.starts(with: end.unicodeScalars) {
        rest = rest.dropFirst(end.unicodeScalars.count)
        return
      }
      rest.removeFirst()
    }
  }

  /// `''` inside is two strings in a row here, which says the same.
  private mutating func string() {
    rest.removeFirst()
    skip(through: "'")
    if words.last != "'" { words.append("'") }
  }

  private mutating func quoted() {
    rest.removeFirst()
    let name = rest.prefix { $0 != "\"" }
    rest = rest.dropFirst(name.count + 1)
    words.append(String(name))
  }

  private var dollarTag: String? {
    let name = rest.dropFirst().prefix(while: Self.isWord)
    guard rest.dropFirst(1 + name.count).first == "$", name.first?.properties.numericType == nil else { return nil }
    return "$\(String(name))$"
  }

  private mutating func dollarQuote() {
    guard let tag = dollarTag else { return }
    rest = rest.dropFirst(tag.unicodeScalars.count)
    skip(through: tag)
    words.append("'")
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar == "_" || ("0"..."9").contains(scalar)
  }
}
