/// A command and its options as a table, from which parsing, help and bash completion are made.
public struct CommandTable: Sendable {
  /// One option of a command.
  public struct Option: Sendable {
    /// Without its dashes: `config`.
    public let name: String
    /// The one-letter form, without its dash.
    public let letter: Character?
    /// What stands for the value in the help (`FILE`); `nil` for a switch.
    public let value: String?
    /// One line for the help.
    public let summary: String
    /// The values to choose from, checked and completed; empty for any.
    public let choices: [String]
    /// Whether it may be given more than once.
    public let repeats: Bool

    /// An option that takes a value where `value` names it, else a switch.
    public init(
      _ name: String, _ letter: Character? = nil, value: String? = nil, choices: [String] = [], repeats: Bool = false,
      _ summary: String
    ) {
      self.name = name
      self.letter = letter
      self.value = value
      self.choices = choices
      self.repeats = repeats
      self.summary = summary
    }

    var valueOrChoices: String? { choices.isEmpty ? value : choices.joined(separator: "|") }
  }

  /// The command's name.
  public let name: String
  /// One line for the help.
  public let summary: String
  /// Its options; a subcommand also takes those of the commands above it.
  public let options: [Option]
  /// What stands for its operands in the help, such as `DEVICE [TASK…]`; `nil` where it takes none.
  public let operands: String?
  /// Its subcommands; where there are some, one must be given.
  public let commands: [CommandTable]
  /// Further text at the end of its help: examples.
  public let notes: String

  /// A command.
  public init(
    _ name: String, _ summary: String, options: [Option] = [], operands: String? = nil, commands: [CommandTable] = [],
    notes: String = ""
  ) {
    self.name = name
    self.summary = summary
    self.options = options
    self.operands = operands
    self.commands = commands
    self.notes = notes
  }

  /// The options of every command.
  static let common = [Option("help", "h", "Print this help and exit.")]
}
