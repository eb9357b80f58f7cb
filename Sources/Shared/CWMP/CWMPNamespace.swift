/// A CWMP namespace, `urn:dslforum-org:cwmp-1-N`.
///
/// A session keeps the namespace of its Inform (item 32), also one that no standard knows: what N a CPE uses is echoed,
/// and a number above the newest known is treated as that one (item 33).
public struct CWMPNamespace: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The N of `cwmp-1-N`, as the CPE writes it.
  public let minor: UInt8

  /// The namespace `urn:dslforum-org:cwmp-1-<minor>`.
  public init(minor: UInt8) {
    self.minor = minor
  }

  /// `cwmp-1-0`: also what is answered to a CPE that names no CWMP namespace at all.
  public static let cwmp10 = CWMPNamespace(minor: 0)
  /// `cwmp-1-2`: the newest official one, also for CWMP 1.3 and 1.4.
  public static let cwmp12 = CWMPNamespace(minor: 2)
  /// The newest N in use.
  public static let newestMinor: UInt8 = 4

  /// Reads a namespace URI; nil if it is none of CWMP's. White space around it and case do not matter.
  public init?(uri: String) {
    let text = uri.trimmingXMLSpace()
    guard String(text.prefix(Self.prefix.count)).equalsIgnoringCase(Self.prefix),
      let minor = UInt8(text.dropFirst(Self.prefix.count))
    else { return nil }
    self.minor = minor
  }

  /// The URI, to be declared for the prefix `cwmp`.
  public var uri: String { "\(Self.prefix)\(minor)" }

  /// The minor number that decides what the CPE understands: an unknown one counts as the newest known.
  public var effectiveMinor: UInt8 { min(minor, Self.newestMinor) }

  /// The URI.
  public var description: String { uri }

  private static let prefix = "urn:dslforum-org:cwmp-1-"
}
