/// Why a body was refused, and how to answer.
public struct CWMPError: Error, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Kind: String, Sendable, Hashable {
    /// Not XML, or XML that is forbidden here (a document type).
    case notXML = "not_xml"
    /// Over a limit of ``EnvelopeLimits``: bytes, depth, elements, parameters.
    case tooLarge = "too_large"
    /// The root element is no SOAP Envelope.
    case notSOAP = "not_soap"
    /// No Body, or no element in it.
    case emptyBody = "empty_body"
    /// More than one element in the Body (item 28).
    case severalMessages = "several_messages"
    /// A header block with mustUnderstand 1 is not known (item 38).
    case notUnderstood = "not_understood"
    /// An RPC lacks what it cannot do without, such as an Inform's DeviceId.
    case invalidArguments = "invalid_arguments"
    /// No common CWMP version (item 43).
    case versionIncompatible = "version_incompatible"
    /// The process is out of memory.
    case outOfMemory = "out_of_memory"
  }

  /// How to answer a POST with such a body.
  public enum Reply: Sendable, Hashable {
    /// An HTTP status without SOAP: 400, 413 or 503 (item 57).
    case status(Int)
    /// Status 200 with this fault in an envelope; render it with the error's `namespace` and `id`.
    case fault(CWMPFault)
  }

  /// What is wrong.
  public var kind: Kind
  /// The words, one line, without values from the message.
  public var message: String
  /// Where in the document, from 1; 0 if it is no single place.
  public var line: Int
  /// Where in the line, in bytes from 1; 0 if not known.
  public var column: Int
  /// How to answer.
  public var reply: Reply
  /// The namespace for the answer, as far as it was read.
  public var namespace: CWMPNamespace
  /// The message's ID, as far as it was read.
  public var id: [UInt8]?

  /// Makes an error.
  public init(
    _ kind: Kind, _ message: String, line: Int = 0, column: Int = 0, reply: Reply = .status(400),
    namespace: CWMPNamespace = .cwmp10, id: [UInt8]? = nil
  ) {
    self.kind = kind
    self.message = message
    self.line = line
    self.column = column
    self.reply = reply
    self.namespace = namespace
    self.id = id
  }

  /// One line for logs.
  public var description: String {
    line == 0 ? "\(kind.rawValue): \(message)" : "\(kind.rawValue): line \(line), column \(column): \(message)"
  }
}
