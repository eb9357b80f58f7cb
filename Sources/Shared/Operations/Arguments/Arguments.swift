import YAML

/// A command line, parsed by a ``CommandTable`` with the conventions of GNU: `--name VALUE`, `--name=VALUE`, `-n
/// VALUE`, `-nVALUE`, `-abc` for three switches, operands and options in any order, `--` before operands that begin
/// with a dash.
public struct Arguments: Sendable {
  /// What a command line asks for.
  public enum Outcome: Sendable {
    /// Run the command.
    case run(Arguments)
    /// Print this to standard output and exit with 0.
    case help(String)
  }

  /// The names of the command and its subcommands, without the program: `["tasks", "create"]`.
  public private(set) var command: [String] = []
  /// What is no option, in order.
  public private(set) var operands: [String] = []
  private var values: [String: [String]] = [:]

  /// Whether a switch, or an option with any value, was given.
  public func has(_ option: String) -> Bool { values[option] != nil }

  /// The option's value, the last one where it was repeated.
  public func value(_ option: String) -> String? { values[option]?.last }

  /// All the option's values in order.
  public func values(_ option: String) -> [String] { values[option] ?? [] }

  /// The option's value as a whole number within a range; `nil` where it was not given.
  public func integer(_ option: String, in range: ClosedRange<Int> = 0...Int.max) throws(UsageError) -> Int? {
    guard let text = value(option) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      let expected =
        range.upperBound == Int.max
        ? "a whole number of at least \(range.lowerBound)"
        : "a whole number from \(range.lowerBound) to \(range.upperBound)"
      throw UsageError(command: path, reason: "--\(option) takes \(expected), not '\(text)'")
    }
    return number
  }

  private var path: String = ""

  /// Parses a command line without the program's own name.
  ///
  /// - Throws: ``UsageError``, see ``UsageError/exitCode``.
  public static func parse(_ words: [String], by table: CommandTable) throws(UsageError) -> Outcome {
    var parser = ArgumentParser(table)
    var result = Arguments()
    let wantsHelp = try parser.read(words)
    if wantsHelp { return .help(parser.chain.helpText) }
    try parser.complete()
    result.command = parser.chain.tables.dropFirst().map(\.name)
    result.operands = parser.operands
    result.values = parser.values
    result.path = parser.chain.path
    return .run(result)
  }
}

/// The commands from the program down to the one that was named.
struct CommandChain {
  var tables: [CommandTable]

  var path: String { tables.map(\.name).joined(separator: " ") }
  var last: CommandTable { tables[tables.count - 1] }
  var options: [CommandTable.Option] { tables.reversed().flatMap(\.options) + CommandTable.common }
}

/// The state while words are read.
struct ArgumentParser {
  private(set) var chain: CommandChain
  private(set) var operands: [String] = []
  private(set) var values: [String: [String]] = [:]

  init(_ table: CommandTable) { chain = CommandChain(tables: [table]) }

  /// Reads all words; returns whether help was asked for.
  mutating func read(_ words: [String]) throws(UsageError) -> Bool {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        break
      } else if word.hasPrefix("--") {
        try long(word.dropFirst(2), &rest)
      } else if word.hasPrefix("-"), word.count > 1 {
        try letters(word.dropFirst(), &rest)
      } else if operands.isEmpty, !chain.last.commands.isEmpty {
        try enter(word)
      } else {
        operands.append(word)
      }
      if values["help"] != nil { return true }
    }
    return false
  }

  /// Checks what only the end shows.
  func complete() throws(UsageError) {
    if !chain.last.commands.isEmpty {
      let names = chain.last.commands.map(\.name).joined(separator: ", ")
      throw failure("a command is missing: one of \(names)")
    }
    if chain.last.operands == nil, let first = operands.first { throw failure("unexpected '\(first)'") }
  }

  private func failure(_ reason: String) -> UsageError { UsageError(command: chain.path, reason: reason) }

  private mutating func enter(_ word: String) throws(UsageError) {
    guard let next = chain.last.commands.first(where: { $0.name == word }) else {
      let hint = Suggestion.hint(for: word, known: chain.last.commands.map(\.name))
      throw failure("unknown command '\(word)'\(hint)")
    }
    chain.tables.append(next)
  }

  private mutating func long(_ word: Substring, _ rest: inout ArraySlice<String>) throws(UsageError) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = chain.options.first(where: { $0.name == name }) else {
      let near = Suggestion.nearest(to: name, in: chain.options.map(\.name)).map { "; did you mean '--\($0)'?" }
      throw failure("unknown option '--\(name)'\(near ?? "")")
    }
    if option.value == nil, option.choices.isEmpty {
      if parts.count > 1 { throw failure("--\(name) takes no value") }
      try store(option, "")
    } else if parts.count > 1 {
      try store(option, String(parts[1]))
    } else {
      guard let value = rest.popFirst() else {
        throw failure("--\(name) needs a value: \(option.valueOrChoices ?? "")")
      }
      try store(option, value)
    }
  }

  private mutating func letters(_ word: Substring, _ rest: inout ArraySlice<String>) throws(UsageError) {
    var word = word
    while let letter = word.popFirst() {
      guard let option = chain.options.first(where: { $0.letter == letter }) else {
        throw failure("unknown option '-\(letter)'")
      }
      if option.value == nil, option.choices.isEmpty {
        try store(option, "")
        continue
      }
      if !word.isEmpty { return try store(option, String(word)) }
      guard let value = rest.popFirst() else {
        throw failure("-\(letter) needs a value: \(option.valueOrChoices ?? "")")
      }
      return try store(option, value)
    }
  }

  private mutating func store(_ option: CommandTable.Option, _ value: String) throws(UsageError) {
    if !option.choices.isEmpty, !option.choices.contains(value) {
      throw failure("--\(option.name) takes \(option.choices.joined(separator: ", ")), not '\(value)'")
    }
    if values[option.name] != nil, !option.repeats, option.value != nil || !option.choices.isEmpty {
      throw failure("--\(option.name) was given twice")
    }
    values[option.name, default: []].append(value)
  }
}
