/// What is wrong with a policy's text. It never quotes a value, which may be a secret.
public struct PolicyError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What the text is called, such as its path.
  public var file: String
  /// The line, from 1.
  public var line: Int
  /// The column, from 1.
  public var column: Int
  /// What is wrong.
  public var what: String
  /// How to mend it.
  public var mend: String

  /// `file:line:column: what; how to mend it`.
  public var description: String { "\(file):\(line):\(column): \(what); \(mend)" }
}
