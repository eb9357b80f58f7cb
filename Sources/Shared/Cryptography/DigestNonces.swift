/// Nonces that need no memory: time ‖ random ‖ MAC over both and the realm. Any gateway of the cluster recognises any
/// other's, so an answer may come on a new connection or at another gateway (items 107, 108; quirk Q9).
public struct DigestNonces: Sendable {
  /// What a nonce in an answer is.
  public enum Verdict: Equatable, Sendable {
    /// Ours, and young enough.
    case fresh
    /// Ours, but too old: challenge again with `stale=true`, and a correct client repeats without asking anybody.
    case stale
    /// Not made by this cluster for this realm.
    case foreign
  }

  private let keys: [SecretKey]
  private let realm: [UInt8]

  /// Thirty seconds: for so long an answer that was read on its way could be used at a gateway that has not seen it.
  public static let defaultLifetimeMilliseconds: Int64 = 30_000

  /// How long a nonce is fresh.
  public let lifetimeMilliseconds: Int64

  /// Nonces of one realm.
  ///
  /// - Parameter lifetimeMilliseconds: an answer follows its challenge at once, and a CPE that uses a nonce for longer
  ///   is told `stale` at the cost of a round trip.
  public init(
    _ keyring: ClusterKeyring, realm: String, lifetimeMilliseconds: Int64 = DigestNonces.defaultLifetimeMilliseconds
  ) {
    keys = keyring.all.map { $0.key(for: .digestNonce) }
    self.realm = Array(realm.utf8)
    self.lifetimeMilliseconds = lifetimeMilliseconds
  }

  /// A new nonce: 43 characters of base64url.
  public func issue(now milliseconds: Int64) -> String {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: UInt64(bitPattern: milliseconds))
    bytes += SecureRandom.bytes(8)
    code(bytes, keys[0]).append(to: &bytes)
    return Base64.encode(bytes.span, .url)
  }

  /// What a nonce is at a time. A nonce from the future by more than its lifetime is stale as well.
  public func check(_ nonce: [UInt8], now milliseconds: Int64) -> Verdict {
    guard nonce.count == 43, let bytes = Base64.decode(nonce.span, .url), bytes.count == 32,
      let mac = UUID128(bytes: bytes.span.extracting(16..<32))
    else { return .foreign }
    let signed = Array(bytes[..<16])
    guard keys.contains(where: { ConstantTime.equal(code(signed, $0), mac) }) else { return .foreign }
    let issued = Int64(bitPattern: UInt64(bytes.span.bigEndian(at: 0)) << 32 | UInt64(bytes.span.bigEndian(at: 4)))
    return abs(milliseconds - issued) <= lifetimeMilliseconds ? .fresh : .stale
  }

  /// What tells a nonce of ours from others of ours: its random part. 0 for one that is not ours.
  public static func mark(of nonce: [UInt8]) -> UInt64 {
    guard let bytes = Base64.decode(nonce.span, .url), bytes.count == 32 else { return 0 }
    return UInt64(bytes.span.bigEndian(at: 8)) << 32 | UInt64(bytes.span.bigEndian(at: 12))
  }

  private func code(_ bytes: [UInt8], _ key: SecretKey) -> UUID128 {
    HMACSHA256.authenticate((bytes + realm).span, key: key).first16
  }
}
