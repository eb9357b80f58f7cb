/// Why a text is no parameter path.
public struct ParameterPathError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong.
  public enum Reason: Sendable, Equatable {
    /// More than 256 bytes (item 145).
    case tooLong
    /// Two dots in a row, or a dot at the start.
    case emptySegment
    /// A space, a control character, or a bracket inside a name.
    case illegalCharacter
    /// An `[alias]` that is empty or does not close.
    case openAlias
  }

  /// What is wrong.
  public let reason: Reason
  /// The text, cut to 256 bytes' worth of characters.
  public let text: String

  init(_ reason: Reason, _ text: String) {
    self.reason = reason
    self.text = String(text.prefix(ParameterPath.maximumLength))
  }

  /// One line for people: what, where, what to do.
  public var description: String {
    let what =
      switch reason {
      case .tooLong: "is longer than \(ParameterPath.maximumLength) bytes"
      case .emptySegment: "has an empty name between two dots; write each name once, with one dot between"
      case .illegalCharacter: "has a space, a control character or a bracket inside a name"
      case .openAlias: "has an instance alias that is empty or does not close; write it as .[alias]."
      }
    return "the parameter path '\(text)' \(what)"
  }
}
