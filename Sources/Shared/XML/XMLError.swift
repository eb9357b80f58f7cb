/// Why a document was refused, and where.
public struct XMLError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong.
  public enum Kind: Sendable, Hashable {
    /// Not well-formed XML 1.0; the number is libxml2's `xmlParserErrors` code.
    case notWellFormed(code: Int32)
    /// Bytes that are not of the document's charset, a control character, a bare `&` or an unknown entity: a filtered
    /// pass (``XMLFilter``) may still read the document (item 54). The number is libxml2's code.
    case badCharacters(code: Int32)
    /// A document type declaration, which SOAP 1.1 §3 forbids (item 53).
    case documentType
    /// Deeper than ``XMLLimits/depth``.
    case tooDeep
    /// More bytes than ``XMLLimits/bytes``.
    case tooManyBytes
    /// More elements than ``XMLLimits/elements``.
    case tooManyElements
    /// More attributes and namespaces on one element than ``XMLLimits/attributes``.
    case tooManyAttributes
    /// More namespaces in scope than ``XMLLimits/namespaces``.
    case tooManyNamespaces
    /// More different names than any honest document has: each costs memory, and time to look up.
    case tooManyNames
    /// One tag, comment or processing instruction longer than ``XMLLimits/construct``.
    case constructTooLong
    /// The bytes end before the document does (or there are none).
    case incomplete
    /// The sink asked to stop (``XMLSink/stop()``).
    case stopped
    /// libxml2 could not allocate.
    case outOfMemory
  }

  /// What is wrong.
  public var kind: Kind
  /// The line, from 1, in the document as it was sent.
  public var line: Int
  /// The column, from 1, in bytes; 0 where the parser does not know it.
  public var column: Int
  /// libxml2's words or ours, one line.
  public var message: String

  /// Makes an error.
  public init(_ kind: Kind, line: Int, column: Int, message: String) {
    self.kind = kind
    self.line = line
    self.column = column
    self.message = message
  }

  /// One line for logs and faults.
  public var description: String { "line \(line), column \(column): \(message)" }
}
