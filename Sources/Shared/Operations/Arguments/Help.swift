extension CommandChain {
  /// The help of the last command, in at most 80 columns where the summaries allow.
  var helpText: String {
    var text = "Usage: \(path)"
    if !options.isEmpty { text += " [OPTION…]" }
    if !last.commands.isEmpty { text += " COMMAND" }
    if let operands = last.operands { text += " \(operands)" }
    text += "\n\(last.summary)\n"
    if !last.commands.isEmpty {
      text += "\nCommands:\n" + Self.columns(last.commands.map { ($0.name, $0.summary) })
    }
    text += "\nOptions:\n" + Self.columns(options.map { (Self.forms($0), $0.summary) })
    if !last.notes.isEmpty { text += "\n\(last.notes)\n" }
    return text
  }

  private static func forms(_ option: CommandTable.Option) -> String {
    let letter = option.letter.map { "-\($0), " } ?? "    "
    return "\(letter)--\(option.name)" + (option.valueOrChoices.map { "=\($0)" } ?? "")
  }

  private static func columns(_ rows: [(String, String)]) -> String {
    let width = min(28, rows.map(\.0.count).max() ?? 0)
    return rows.map { left, right in
      let pad = left.count > width ? "\n" + spaces(width + 4) : spaces(width - left.count + 2)
      return "  \(left)\(pad)\(right)\n"
    }.joined()
  }

  private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
}

extension CommandTable {
  /// The help of the command itself.
  public var helpText: String { CommandChain(tables: [self]).helpText }

  /// A script for bash that completes commands, options and their choices:
  /// `source <(carillonctl completion bash)`.
  public var bashCompletion: String {
    let function = "_" + name.map { $0 == "-" ? "_" : String($0) }.joined()
    var text = """
      # bash completion for \(name), made from its table of options
      \(function)() {
        local path="" word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" i
        for ((i = 1; i < COMP_CWORD; i++)); do
          case "$path ${COMP_WORDS[i]}" in

      """
    let all = chains(from: CommandChain(tables: [self]))
    for chain in all.dropFirst() {
      let words = chain.tables.dropFirst().map(\.name)
      text += "      '\(words.map { " " + $0 }.joined())') path+=\" \(chain.last.name)\" ;;\n"
    }
    text += """
          esac
        done
        case "$before" in

      """
    var seen: Set<String> = []
    for option in all.flatMap(\.options) where seen.insert(option.name).inserted {
      guard option.value != nil || !option.choices.isEmpty else { continue }
      let reply = option.choices.isEmpty ? "compgen -f" : "compgen -W '\(option.choices.joined(separator: " "))'"
      let letter = option.letter.map { "|-\($0)" } ?? ""
      text += "    --\(option.name)\(letter)) mapfile -t COMPREPLY < <(\(reply) -- \"$word\"); return ;;\n"
    }
    text += "  esac\n  case \"$path\" in\n"
    for chain in all {
      let path = chain.tables.dropFirst().map { " " + $0.name }.joined()
      let words = chain.last.commands.map(\.name) + chain.options.map { "--\($0.name)" }
      text += "    '\(path)') mapfile -t COMPREPLY < <(compgen -W '\(words.joined(separator: " "))' -- \"$word\") ;;\n"
    }
    text += "  esac\n}\ncomplete -o bashdefault -F \(function) \(name)\n"
    return text
  }

  private func chains(from chain: CommandChain) -> [CommandChain] {
    [chain] + commands.flatMap { $0.chains(from: CommandChain(tables: chain.tables + [$0])) }
  }
}
