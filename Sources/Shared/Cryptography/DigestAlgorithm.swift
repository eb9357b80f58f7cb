/// The hash functions of HTTP Digest (RFC 7616 §6.1). CPEs speak MD5 (TR-069 §3.4.5), some MD5-sess (item 104).
public enum DigestAlgorithm: String, Sendable, CaseIterable {
  /// What TR-069 requires.
  case md5 = "MD5"
  /// MD5 with a key bound to nonce and cnonce.
  case md5Session = "MD5-sess"
  /// RFC 7616's.
  case sha256 = "SHA-256"
  /// RFC 7616's, with a key bound to nonce and cnonce.
  case sha256Session = "SHA-256-sess"

  /// The algorithm of a parameter's value, in any case.
  public init?(token: String) {
    let lowered = token.lowercased()
    guard let match = Self.allCases.first(where: { $0.rawValue.lowercased() == lowered }) else { return nil }
    self = match
  }

  /// Whether A1 is bound to nonce and cnonce.
  public var isSession: Bool { self == .md5Session || self == .sha256Session }

  /// Lower-case hexadecimal digits of the hash of the bytes.
  func hex(_ bytes: [UInt8]) -> [UInt8] {
    switch self {
    case .md5, .md5Session: MD5.hex(bytes)
    case .sha256, .sha256Session: Array(SHA256.hash(bytes).hex.utf8)
    }
  }
}
