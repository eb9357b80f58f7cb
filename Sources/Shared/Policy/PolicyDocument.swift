/// One policy as an operator wrote it (docs/policies.md).
public struct PolicyDocument: Sendable, Equatable {
  /// Its name, by which it is stored: 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`.
  public var name: String
  /// Its strength against others that want the same parameter: the higher wins. 0 where not given.
  public var priority: Int

  /// Reads a policy.
  ///
  /// - Parameter file: what errors call the text, such as its path.
  /// - Throws: ``PolicyError`` with line, column, what is wrong and how to mend it.
  public static func parse(_ text: String, file: String = "policy") throws(PolicyError) -> PolicyDocument {
    throw PolicyError(file: file, line: 1, column: 1, what: "the language is not built yet", mend: "wait for it")
  }
}
