/// Tells what in a migration an instance of the version before could not live with, while it goes on beside the new
/// one: within a major version a schema only grows, and no step of it stands in the way of a table in use.
///
/// It knows what is harmless; what it does not know is refused.
public struct AdditiveCheck {
  /// Tables with few rows, which may be locked for as long as an index over them takes.
  private let smallTables: Set<String>
  /// Those that the migration itself makes: nobody uses them yet.
  private var newTables: Set<String> = []
  private var problems: [String] = []

  /// What is wrong with a migration, a sentence each; empty: it is additive.
  ///
  /// - Parameter smallTables: tables with few rows, which may be locked for as long as an index over them takes.
  public static func problems(in migration: Migration, smallTables: Set<String> = []) -> [String] {
    var check = AdditiveCheck(smallTables: smallTables)
    for statement in SQLStatements(migration.sql).statements { check.take(Words(statement)) }
    return check.problems.map { "migration \(migration.number) (\(migration.name)): \($0)" }
  }

  private init(smallTables: Set<String>) { self.smallTables = smallTables }

  // MARK: - Statements

  private mutating func take(_ statement: Words) {
    var words = statement
    switch words.next() {
    case "create": create(&words, statement)
    case "alter": alter(&words, statement)
    case "drop":
      problems.append("\(statement): the version before may use what is dropped; leave it to a major version")
    case "insert" where words.skip("into"):
      let table = words.name()
      guard !isNew(table), !smallTables.contains(table) else { return }
      problems.append("\(statement): rows of a table in use are the roles' to write")
    case "update", "delete", "truncate":
      problems.append("\(statement): changes rows under the version before, in one long transaction; do it in a role")
    case "comment": break
    case "begin", "commit", "rollback", "start":
      problems.append("\(statement): a migration is a transaction already")
    default: problems.append("\(statement): not known to be additive")
    }
  }

  private mutating func create(_ words: inout Words, _ statement: Words) {
    let isUnique = words.skip("unique")
    words.skip("unlogged")
    switch words.next() {
    case "table": createTable(&words, statement)
    case "index": createIndex(&words, isUnique: isUnique, statement)
    case "type", "sequence": break
    default: problems.append("\(statement): not known to be additive")
    }
  }

  private mutating func createTable(_ words: inout Words, _ statement: Words) {
    words.skip("if", "not", "exists")
    newTables.insert(words.name())
    while let word = words.next() {
      switch word {
      case "references":
        let table = words.name()
        if !isNew(table) {
          problems.append("\(statement): the version before deletes from \(table) without knowing who refers to it")
        }
      case "partition" where words.skip("of"):
        let table = words.name()
        if !isNew(table) {
          problems.append("\(statement): locks \(table) against everybody; make the table apart and attach it")
        }
      default: break
      }
    }
  }

  private mutating func createIndex(_ words: inout Words, isUnique: Bool, _ statement: Words) {
    // Concurrently cannot run in a transaction, and every migration is one.
    if words.skip("concurrently") {
      problems.append("\(statement): cannot run in a transaction, and every migration is one")
      return
    }
    while let word = words.next(), word != "on" {}
    words.skip("only")
    let table = words.name()
    guard !isNew(table) else { return }
    if isUnique {
      problems.append("\(statement): the version before may write what is not unique in \(table)")
    } else if !smallTables.contains(table) {
      problems.append("\(statement): nobody can write to \(table) while the index is built")
    }
  }

  // MARK: - Alterations

  private mutating func alter(_ words: inout Words, _ statement: Words) {
    guard words.skip("table") else {
      problems.append("\(statement): not known to be additive")
      return
    }
    words.skip("if", "exists")
    words.skip("only")
    let table = words.name()
    guard !isNew(table) else { return }
    for var action in words.actions { alter(table, &action, statement) }
  }

  private mutating func alter(_ table: String, _ action: inout Words, _ statement: Words) {
    switch action.next() {
    case "add":
      let isConstraint = ["constraint", "check", "unique", "primary", "foreign", "exclude"].contains(action.first)
      guard !isConstraint else {
        problems.append(
          "\(statement): the version before does not know the constraint and may write what it refuses; NOT VALID only "
            + "spares the rows that are there")
        return
      }
      addColumn(table, &action, statement)
    case "drop": problems.append("\(statement): the version before may use what is dropped")
    case "rename": problems.append("\(statement): the version before knows the old name only")
    case "alter": alterColumn(&action, statement)
    // Storage parameters lock out nobody.
    case "set" where action.first == "(", "reset" where action.first == "(": break
    default: problems.append("\(statement): not known to be additive")
    }
  }

  private mutating func addColumn(_ table: String, _ action: inout Words, _ statement: Words) {
    action.skip("column")
    action.skip("if", "not", "exists")
    let name = action.name()
    if action.first == nil {
      problems.append("\(statement): \(name) has no type")
    } else if !action.skipType() {
      problems.append("\(statement): not known to be additive: a type that may have constraints or a default")
    }
    var hasDefault = false
    var isRequired = false
    while let word = action.next() {
      switch word {
      case "default":
        hasDefault = action.first != "null"
        // A constant, or the time of the migration, is kept once for all rows; anything else is computed for each.
        if !action.skipConstant() {
          problems.append("\(statement): a default that is computed for each row rewrites \(table)")
        }
      case "not" where action.skip("null"): isRequired = true
      case "generated", "serial", "bigserial", "smallserial":
        problems.append("\(statement): a generated column rewrites \(table)")
      case "check", "unique", "primary", "references":
        problems.append("\(statement): \(word) is looked up for every row of \(table) while nobody can use it")
      default: break
      }
    }
    if isRequired, !hasDefault {
      problems.append("\(statement): the version before writes rows without \(name): NOT NULL needs a default")
    }
  }

  private mutating func alterColumn(_ action: inout Words, _ statement: Words) {
    action.skip("column")
    let name = action.name()
    if action.skip("set", "default") || action.skip("set", "statistics") { return }
    if action.skip("type") || action.skip("set", "data", "type") {
      problems.append(
        "\(statement): another type of \(name) rewrites the table, and the version before reads the old one")
    } else if action.skip("set", "not", "null") {
      problems.append("\(statement): the version before may write no \(name)")
    } else if action.skip("drop", "not", "null") {
      problems.append("\(statement): the version before cannot read a row without \(name)")
    } else if action.skip("drop", "default") {
      problems.append("\(statement): the version before may write rows without \(name)")
    } else {
      problems.append("\(statement): not known to be additive")
    }
  }

  private func isNew(_ table: String) -> Bool { newTables.contains(table) }
}

/// A statement's words, taken one after the other.
private struct Words: CustomStringConvertible {
  private var words: ArraySlice<String>

  init(_ words: [String]) { self.words = words[...] }

  var first: String? { words.first }

  /// Its beginning, for a message.
  var description: String { words.prefix(6).joined(separator: " ") + (words.count > 6 ? " ..." : "") }

  mutating func next() -> String? { words.popFirst() }

  /// Takes these words if they come next, in this order.
  @discardableResult
  mutating func skip(_ wanted: String...) -> Bool {
    guard words.starts(with: wanted) else { return false }
    words = words.dropFirst(wanted.count)
    return true
  }

  private static let types: Set<String> = [
    "bigint", "boolean", "bool", "bytea", "date", "double", "inet", "int", "int2", "int4", "int8", "integer",
    "interval", "json", "jsonb", "numeric", "real", "smallint", "text", "timestamptz", "uuid",
  ]

  /// Takes a type of PostgreSQL's own; what is another's may be a domain.
  /// - Returns: whether it was one.
  mutating func skipType() -> Bool {
    // These are types only as far as they are a column's generator.
    if ["serial", "bigserial", "smallserial"].contains(first) { return true }
    guard let type = next(), Self.types.contains(type) else { return false }
    if type == "double" { skip("precision") }
    skipParentheses()
    while skip("[", "]") {}
    return true
  }

  /// Takes a constant, or `now()`.
  /// - Returns: whether it was one, with nothing behind it that computes.
  mutating func skipConstant() -> Bool {
    if !skip("now", "(", ")") {
      skip("-")
      let word = next() ?? "("
      let isNumber = word.unicodeScalars.allSatisfy { ("0"..."9").contains($0) }
      guard isNumber || ["'", "true", "false", "null", "current_timestamp"].contains(word) else { return false }
      if isNumber, skip(".") { _ = next() }
    }
    if skip(":", ":") { guard skipType() else { return false } }
    return first.map { ["not", "null", "check", "unique", "primary", "references", "constraint"].contains($0) } ?? true
  }

  private mutating func skipParentheses() {
    guard first == "(" else { return }
    var depth = 0
    while let word = next() {
      depth += word == "(" ? 1 : word == ")" ? -1 : 0
      if depth == 0 { return }
    }
  }

  /// A name, without its schema.
  mutating func name() -> String {
    var name = next() ?? ""
    while skip(".") { name = next() ?? "" }
    return name
  }

  /// What is between commas that stand in no parentheses.
  var actions: [Words] {
    var depth = 0
    var actions: [[String]] = [[]]
    for word in words {
      depth += word == "(" ? 1 : word == ")" ? -1 : 0
      if depth == 0, word == "," { actions.append([]) } else { actions[actions.count - 1].append(word) }
    }
    return actions.map { Words($0) }
  }
}
