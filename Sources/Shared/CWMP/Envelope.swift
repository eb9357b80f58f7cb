/// One parsed SOAP envelope.
public struct Envelope: Sendable {
  /// What an envelope carries. The first four come from CPEs, the next two from an ACS, a fault from either.
  public enum Message: Sendable, Hashable {
    /// A CPE begins a session.
    case inform(Inform)
    /// Another request of a CPE.
    case cpeRequest(CPERequest)
    /// A CPE's response.
    case cpeResponse(CPEResponse)
    /// A fault: of a CPE instead of a response, or of the ACS.
    case fault(CWMPFault)
    /// A request of an ACS (read by the simulator).
    case acsRequest(CWMPRequest)
    /// A request of an ACS that is not known here.
    case unknownACSRequest(method: String)
    /// A response of an ACS.
    case acsResponse(ACSResponse)
  }

  /// The namespace of the RPC element, else the one that the envelope declares.
  public var namespace: CWMPNamespace
  /// The text of `cwmp:ID` byte for byte, to be copied into a response (item 34); nil if there is none.
  public var id: [UInt8]?
  /// What else stood in the Header.
  public var header: EnvelopeHeader
  /// The RPC or fault.
  public var message: Message
  /// What had to be forgiven.
  public var notes: EnvelopeNotes

  /// Makes an envelope.
  public init(
    namespace: CWMPNamespace, id: [UInt8]? = nil, header: EnvelopeHeader = EnvelopeHeader(), message: Message,
    notes: EnvelopeNotes = []
  ) {
    self.namespace = namespace
    self.id = id
    self.header = header
    self.message = message
    self.notes = notes
  }

  /// The ID as text, trimmed, for matching with what was sent.
  public var idText: String? { id.map { String(decoding: $0, as: UTF8.self).trimmingXMLSpace() } }

  /// The method: `Inform`, a request's name, a response's name without `Response`, `Fault`.
  public var method: String {
    switch message {
    case .inform: "Inform"
    case .cpeRequest(let request): request.method
    case .cpeResponse(let response): response.method
    case .fault: "Fault"
    case .acsRequest(let request): request.method.rawValue
    case .unknownACSRequest(let method): method
    case .acsResponse(let response): response.method
    }
  }
}
