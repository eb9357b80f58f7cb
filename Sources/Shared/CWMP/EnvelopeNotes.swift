/// What was forgiven in a message; a gateway counts and records it, a dialect may be learnt from it.
public struct EnvelopeNotes: OptionSet, Sendable, Hashable, CustomStringConvertible {
  /// The bits.
  public let rawValue: UInt16

  /// Notes from their bits.
  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// Control characters, invalid bytes, bare `&` or unknown entities: read in a second, filtered pass (items 22, 54).
  public static let filtered = EnvelopeNotes(rawValue: 1 << 0)
  /// No cwmp:ID (item 35).
  public static let missingID = EnvelopeNotes(rawValue: 1 << 1)
  /// The RPC is in no CWMP namespace (item 30).
  public static let foreignNamespace = EnvelopeNotes(rawValue: 1 << 2)
  /// An Envelope outside SOAP 1.1's namespace.
  public static let foreignEnvelope = EnvelopeNotes(rawValue: 1 << 3)
  /// A Value without xsi:type, or with one that is not known (item 46).
  public static let unknownType = EnvelopeNotes(rawValue: 1 << 4)
  /// A parameter was left out: no name, a name above 256 bytes, or a value above 64 KiB.
  public static let droppedParameter = EnvelopeNotes(rawValue: 1 << 5)
  /// An EventStruct without EventCode was left out (item 81).
  public static let droppedEvent = EnvelopeNotes(rawValue: 1 << 6)
  /// An argument that the standard demands was missing, and taken as its default (item 94).
  public static let missingArgument = EnvelopeNotes(rawValue: 1 << 8)
  /// NoMoreRequests, which the standard has dropped (item 39).
  public static let noMoreRequests = EnvelopeNotes(rawValue: 1 << 9)

  /// A text other than a parameter's value was too long, and cut.
  public static let cutText = EnvelopeNotes(rawValue: 1 << 10)

  private static let names: [(EnvelopeNotes, String)] = [
    (.filtered, "filtered"), (.missingID, "missing_id"), (.foreignNamespace, "foreign_namespace"),
    (.foreignEnvelope, "foreign_envelope"), (.unknownType, "unknown_type"),
    (.droppedParameter, "dropped_parameter"), (.droppedEvent, "dropped_event"),
    (.missingArgument, "missing_argument"),
    (.noMoreRequests, "no_more_requests"), (.cutText, "cut_text"),
  ]

  /// The notes' names, comma-separated, as metrics and logs use them.
  public var description: String {
    Self.names.filter { contains($0.0) }.map(\.1).joined(separator: ",")
  }
}
