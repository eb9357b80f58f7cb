/// A version of the protocol, as `SupportedCWMPVersions` lists and `UseCWMPVersion` selects (items 42 and 43).
public struct CWMPVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The number before the dot.
  public let major: UInt8
  /// The number after the dot.
  public let minor: UInt8

  /// The version `major.minor`.
  public init(major: UInt8, minor: UInt8) {
    self.major = major
    self.minor = minor
  }

  /// The newest version that this ACS speaks. The Broadband Forum calls Amendment 6 both 1.4 and 1.5.
  public static let newest = CWMPVersion(major: 1, minor: 5)

  /// Reads `1.4`.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = UInt8(parts[0]), let minor = UInt8(parts[1]) else { return nil }
    self.init(major: major, minor: minor)
  }

  /// Reads a comma-separated list, its first 32 items; what is no version is left out.
  public static func list(_ text: String) -> [CWMPVersion] {
    text.split(separator: ",", maxSplits: 32).prefix(32).compactMap { CWMPVersion(String($0).trimmingXMLSpace()) }
  }

  /// The highest version of a CPE's list that this ACS speaks; nil means fault 8006 (item 43).
  public static func common(with supported: [CWMPVersion]) -> CWMPVersion? {
    supported.filter { $0.major == newest.major && $0 <= newest }.max()
  }

  /// By major, then minor number.
  public static func < (left: CWMPVersion, right: CWMPVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  /// `1.4`.
  public var description: String { "\(major).\(minor)" }
}
