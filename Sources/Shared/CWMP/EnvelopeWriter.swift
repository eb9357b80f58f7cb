import XML

/// Renders what an ACS sends, in a session's namespace and a device's dialect.
///
/// Every envelope begins with the declaration `<?xml version="1.0" encoding="UTF-8"?>` (item 52), declares soap-env,
/// soap-enc, xsd, xsi and cwmp on the Envelope and uses exactly those prefixes (item 31).
public struct EnvelopeWriter: Sendable {
  /// The session's namespace (item 32).
  public var namespace: CWMPNamespace
  /// The device's dialect.
  public var dialect: Dialect

  /// Makes a writer.
  public init(namespace: CWMPNamespace, dialect: Dialect = []) {
    self.namespace = namespace
    self.dialect = dialect
  }

  /// A request with its ID (at most 32 safe characters; item 36).
  ///
  /// - Parameter holdRequests: nil sends no HoldRequests, which means false (item 40).
  public func request(_ request: CWMPRequest, id: String, holdRequests: Bool? = nil) -> [UInt8] {
    var frame = EnvelopeFrame(self, capacity: 1_024)
    frame.header(id: Array(id.utf8), holdRequests: holdRequests)
    frame.write(request)
    return frame.finish()
  }

  /// An InformResponse.
  ///
  /// - Parameters:
  ///   - id: The Inform's ID, copied unchanged; nil sends none (items 34 and 35).
  ///   - useVersion: For an Inform that lists versions, ``CWMPVersion/common(with:)``; else nil (item 42).
  public func informResponse(id: [UInt8]?, useVersion: CWMPVersion? = nil) -> [UInt8] {
    var frame = EnvelopeFrame(self, capacity: 768)
    frame.header(id: id, useVersion: useVersion)
    frame.xml.raw("<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>")
    return frame.finish()
  }

  /// A response to a CPE's request.
  public func response(_ response: ACSResponse, id: [UInt8]?) -> [UInt8] {
    var frame = EnvelopeFrame(self, capacity: 768)
    frame.header(id: id)
    frame.write(response)
    return frame.finish()
  }

  /// The response that a CPE's request is due: its own kind of response, or fault 8000 for one that is not known.
  public func response(to request: CPERequest, id: [UInt8]?) -> [UInt8] {
    switch request {
    case .getRPCMethods: response(.getRPCMethods(CPERequest.acceptedMethods), id: id)
    case .transferComplete: response(.transferComplete, id: id)
    case .autonomousTransferComplete: response(.autonomousTransferComplete, id: id)
    case .unknown: fault(.methodNotSupported, id: id)
    }
  }

  /// A fault (item 172). Sent with HTTP status 200 (item 2).
  public func fault(_ fault: CWMPFault, id: [UInt8]?) -> [UInt8] {
    var frame = EnvelopeFrame(self, capacity: 1_024)
    frame.header(id: id)
    frame.write(fault)
    return frame.finish()
  }
}
