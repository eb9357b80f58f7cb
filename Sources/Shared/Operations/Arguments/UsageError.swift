/// A command line that cannot be understood: to be printed to standard error, and the process to exit with 64.
public struct UsageError: Error, Equatable, CustomStringConvertible, Sendable {
  /// `EX_USAGE` of sysexits.h.
  public static let exitCode: Int32 = 64

  /// The command as far as it was understood: `carillonctl tasks`.
  public let command: String
  /// What is wrong.
  public let reason: String

  /// A misuse of a command.
  public init(command: String, reason: String) {
    self.command = command
    self.reason = reason
  }

  /// Two lines, the second of which says how to get help.
  public var description: String { "\(command): \(reason)\nTry '\(command) --help'." }
}
