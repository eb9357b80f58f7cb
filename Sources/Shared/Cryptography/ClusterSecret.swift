/// The one 32-byte secret that all processes of a cluster share. Nothing is ever sealed or signed with it: each purpose
/// has its own key, derived by HKDF (architecture, section 10).
public struct ClusterSecret: Sendable {
  /// What a key is for; the raw value is HKDF's context and never changes.
  public enum Purpose: String, CaseIterable, Sendable {
    /// The MAC of the session cookie.
    case cookie = "carillon cookie v1"
    /// TLS session tickets, shared by all gateways.
    case tlsTickets = "carillon tls tickets v1"
    /// Passwords and secret parameters in PostgreSQL.
    case valuesAtRest = "carillon values at rest v1"
    /// Records on the event log.
    case log = "carillon log v1"
    /// Nonces of HTTP Digest challenges.
    case digestNonce = "carillon digest nonce v1"
    /// Credentials that are computed from a device's identity rather than stored.
    case derivedCredentials = "carillon derived credentials v1"
    /// The secret's public name, see ``ClusterSecret/id``.
    case identifier = "carillon key id v1"
  }

  private let pseudorandomKey: SecretKey

  /// Names the secret in what was made with it, so that several can be in use while they are exchanged. Tells nothing
  /// of the secret.
  public let id: UInt32

  /// A secret of exactly 32 bytes.
  ///
  /// - Throws: ``CryptographyError/malformedSecret(line:)``.
  public init(bytes: [UInt8]) throws(CryptographyError) {
    guard bytes.count == 32 else { throw .malformedSecret(line: 0) }
    pseudorandomKey = HKDF.extract(inputKey: SecretKey(bytes), salt: Array("carillon".utf8))
    let name = HKDF.expand(pseudorandomKey, info: Array(Purpose.identifier.rawValue.utf8), count: 4)
    id = name.bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The key of a purpose, and within it of a context such as an instance id.
  public func key(for purpose: Purpose, context: [UInt8] = [], count: Int = 32) -> SecretKey {
    // The zero byte ends the purpose, so that no purpose and context read as another.
    HKDF.expand(pseudorandomKey, info: Array(purpose.rawValue.utf8) + [0] + context, count: count)
  }
}

extension ClusterSecret: CustomStringConvertible, CustomReflectable {
  /// The id only.
  public var description: String { "<cluster secret \(id)>" }
  /// No children.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
