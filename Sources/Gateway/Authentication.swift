public import Cryptography
public import EventLog

/// A device's credential as the gateway knows it, its passwords opened.
public struct StoredCredential: Sendable {
  /// Whose it is.
  public var device: UUID128
  /// The password in use; nil: the device has none of its own yet.
  public var secret: SecretKey?
  /// One that was given to the device and not used yet.
  public var pending: SecretKey?
  /// Which one that is, ``EventLog/CPEMessage/mark(ofSealed:)``.
  public var pendingMark: [UInt8] = []
  /// Bootstrap is accepted again until then, microseconds since 1970.
  public var readmitUntil: Int64

  /// Creates it from what PostgreSQL holds.
  public init(device: UUID128, secret: SecretKey?, pending: SecretKey?, readmitUntil: Int64 = 0) {
    self.device = device
    self.secret = secret
    self.pending = pending
    self.readmitUntil = readmitUntil
  }
}

/// Who a POST comes from, as far as its head tells.
public enum Principal: Sendable, Equatable {
  /// A device, by its own credential.
  case device(UUID128, CPEMessage.Authentication)
  /// Somebody who knows the bootstrap credential; the Inform must say who.
  case bootstrap
  /// Anybody: the listener was told to allow it.
  case anybody
}

/// Checks Authorization headers (docs/architecture.md, section 5; items 101 to 112). Pure: the caller looks credentials
/// up.
public struct Authentication: Sendable {
  /// What a listener accepts.
  public struct Policy: Sendable {
    /// Whether Digest answers are taken, and asked for.
    public var digest = true
    /// Whether Basic is taken; by default on TLS only (item 102).
    public var basic = false
    /// Whether nothing at all is taken.
    public var none = false

    /// Digest only.
    public init() {}
  }

  /// What a header comes to.
  public enum Claim {
    /// Nothing was said.
    case absent
    /// A username, and a way to check a password.
    case user(username: [UInt8], proof: Proof)
    /// Malformed, or a scheme that is not taken.
    case refused
    /// A Digest answer to a nonce that is too old: challenge again.
    case stale
  }

  /// What was sent to prove a password.
  public enum Proof {
    /// The password itself.
    case basic(BasicAuthorization)
    /// A digest of it.
    case digest(DigestAuthorization, method: [UInt8], target: [UInt8])

    /// Whether `secret` is the password that was meant; in constant time.
    public func proves(_ secret: SecretKey) -> Bool {
      switch self {
      case .basic(let basic): basic.proves(password: secret.bytes)
      case .digest(let digest, let method, let target):
        digest.proves(password: secret.bytes, method: method, target: target)
      }
    }
  }

  private let nonces: DigestNonces
  private let realm: String
  private let bootstrapUsername: [UInt8]
  private let bootstrapPassword: SecretKey?

  /// Creates the check of one realm.
  /// - Parameters:
  ///   - bootstrap: the shared credential of devices that have none of their own; nil takes none.
  public init(_ keyring: ClusterKeyring, realm: String, bootstrap: (username: String, password: SecretKey)?) {
    self.realm = realm
    nonces = DigestNonces(keyring, realm: realm)
    bootstrapUsername = Array((bootstrap?.username ?? "").utf8)
    bootstrapPassword = bootstrap?.password
  }

  /// Reads an Authorization header. Nothing is proved yet.
  /// - Parameter now: microseconds since 1970, database clock.
  public func claim(
    _ header: Span<UInt8>?, method: [UInt8], target: [UInt8], policy: Policy, now: Int64
  ) -> Claim {
    guard let header else { return .absent }
    do {
      switch try AuthorizationHeader.parse(header) {
      case .basic(let basic):
        return policy.basic ? .user(username: basic.username, proof: .basic(basic)) : .refused
      case .digest(let digest):
        guard policy.digest, digest.realm.elementsEqual(realm.utf8) else { return .refused }
        switch nonces.check(digest.nonce, now: now / 1000) {
        case .foreign: return .refused
        case .stale: return .stale
        case .fresh: break
        }
        return .user(username: digest.username, proof: .digest(digest, method: method, target: target))
      case .bearer: return .refused
      }
    } catch {
      return .refused
    }
  }

  /// Whether the claim is the bootstrap credential's; nil when the username is not.
  public func bootstrap(_ username: [UInt8], _ proof: Proof) -> Bool? {
    guard let bootstrapPassword, username == bootstrapUsername else { return nil }
    return proof.proves(bootstrapPassword)
  }

  /// What a device's own credential makes of a proof; nil when it is not proved.
  public func principal(_ credential: StoredCredential, _ proof: Proof) -> Principal? {
    if let secret = credential.secret, proof.proves(secret) { return .device(credential.device, .own) }
    if let pending = credential.pending, proof.proves(pending) { return .device(credential.device, .pending) }
    return nil
  }

  /// The values of the WWW-Authenticate headers that ask for a credential, the preferred first.
  public func challenges(policy: Policy, stale: Bool, now: Int64) -> [String] {
    var challenges: [String] = []
    if policy.digest {
      let nonce = nonces.issue(now: now / 1000)
      challenges.append(DigestChallenge(realm: realm, nonce: nonce, isStale: stale).headerValue)
    }
    if policy.basic { challenges.append("Basic realm=\"\(realm)\"") }
    return challenges
  }
}
