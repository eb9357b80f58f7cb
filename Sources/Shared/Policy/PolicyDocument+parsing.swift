extension PolicyDocument {
  /// Reads a policy.
  ///
  /// - Parameter file: what errors call the text, such as its path.
  /// - Throws: ``PolicyError`` with line, column, what is wrong and how to mend it.
  public static func parse(_ text: String, file: String = "policy") throws(PolicyError) -> PolicyDocument {
    throw PolicyError(file: file, line: 1, column: 1, what: "the language is not built yet", mend: "wait for it")
  }
}
