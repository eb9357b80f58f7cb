/// The element, attribute and namespace names that a sink knows, each with a small number.
///
/// The parser interns them once per context, so that a sink compares integers, not strings.
public struct XMLVocabulary: Sendable {
  /// The names by number - 1.
  public let names: [String]

  /// Numbers the names from 1 in their order; 0 stands for every other name.
  public init(_ names: [String]) {
    self.names = names
  }
}
