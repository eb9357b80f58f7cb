/// The SOAP header blocks of CWMP, besides ID.
public struct EnvelopeHeader: Sendable, Hashable {
  /// HoldRequests (an ACS's; some CPEs send it too); nil if absent.
  public var holdRequests: Bool?
  /// SessionTimeout in seconds, an hour at most: how long the CPE may be silent (item 41).
  public var sessionTimeout: UInt32?
  /// SupportedCWMPVersions of the Inform; empty if absent (item 42).
  public var supportedVersions: [CWMPVersion]
  /// UseCWMPVersion of the InformResponse.
  public var useVersion: CWMPVersion?
  /// Local names of header blocks with mustUnderstand 1 that are not known here (item 38).
  public var notUnderstood: [String]

  /// Makes a header; all parts are absent by default.
  public init(
    holdRequests: Bool? = nil, sessionTimeout: UInt32? = nil, supportedVersions: [CWMPVersion] = [],
    useVersion: CWMPVersion? = nil, notUnderstood: [String] = []
  ) {
    self.holdRequests = holdRequests
    self.sessionTimeout = sessionTimeout
    self.supportedVersions = supportedVersions
    self.useVersion = useVersion
    self.notUnderstood = notUnderstood
  }
}
