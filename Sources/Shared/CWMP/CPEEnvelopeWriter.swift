import XML

/// Renders what a CPE sends: the simulator's half, and the tests'.
public struct CPEEnvelopeWriter: Sendable {
  /// The CPE's namespace.
  public var namespace: CWMPNamespace
  /// How it writes.
  public var dialect: Dialect

  /// Makes a writer.
  public init(namespace: CWMPNamespace = .cwmp12, dialect: Dialect = []) {
    self.namespace = namespace
    self.dialect = dialect
  }

  /// An Inform.
  ///
  /// - Parameters:
  ///   - sessionTimeout: The SessionTimeout header in seconds, if any (item 41).
  ///   - supportedVersions: The SupportedCWMPVersions header; empty sends none (item 42).
  public func inform(
    _ inform: Inform, id: String?, sessionTimeout: UInt32? = nil, supportedVersions: [CWMPVersion] = []
  ) -> [UInt8] {
    var frame = EnvelopeFrame(
      namespace: namespace, dialect: dialect, capacity: 2_048 + inform.parameters.count * 192)
    frame.header(id: id.map { Array($0.utf8) }) { xml in
      if let sessionTimeout {
        xml.raw("<cwmp:SessionTimeout soap-env:mustUnderstand=\"0\">")
        xml.number(sessionTimeout)
        xml.raw("</cwmp:SessionTimeout>")
      }
      if !supportedVersions.isEmpty {
        xml.raw("<cwmp:SupportedCWMPVersions soap-env:mustUnderstand=\"0\">")
        xml.raw(supportedVersions.map(\.description).joined(separator: ","))
        xml.raw("</cwmp:SupportedCWMPVersions>")
      }
    }
    frame.write(inform)
    return frame.finish()
  }

  /// A request other than Inform. An unknown method goes out without arguments.
  public func request(_ request: CPERequest, id: String?) -> [UInt8] {
    var frame = EnvelopeFrame(namespace: namespace, dialect: dialect, capacity: 1_024)
    frame.header(id: id.map { Array($0.utf8) })
    frame.write(request)
    return frame.finish()
  }

  /// A response with the ID of the ACS's request, copied unchanged.
  public func response(_ response: CPEResponse, id: [UInt8]?) -> [UInt8] {
    var frame = EnvelopeFrame(namespace: namespace, dialect: dialect, capacity: 1_024)
    frame.header(id: id)
    frame.write(response)
    return frame.finish()
  }

  /// A fault instead of a response.
  public func fault(_ fault: CWMPFault, id: [UInt8]?) -> [UInt8] {
    var frame = EnvelopeFrame(namespace: namespace, dialect: dialect, capacity: 1_024)
    frame.header(id: id)
    frame.write(fault)
    return frame.finish()
  }
}
