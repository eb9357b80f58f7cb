public import Cryptography
public import EventLog

/// The session's one cookie, the same from Inform to end (docs/architecture.md, section 2.4): what any gateway must
/// know to serve a POST of the session. Signed, not encrypted: nothing in it is secret.
///
/// Layout before base64url, 72 bytes: version (1), key id (4), session (16), device (16), namespace minor (1),
/// authentication (1), flags (1: bit 0 waits, bit 1 plain), issue time in seconds (8), lifetime in seconds (4),
/// reserved (4), HMAC-SHA-256 cut to 16. 96 characters from `[A-Za-z0-9_-]` (items 13 and 14).
public struct SessionCookie: Sendable, Hashable {
  /// The cookie's name.
  public static let name = "session"

  /// The session.
  public var session: UUID128
  /// The device that informed.
  public var device: UUID128
  /// N of the session's `urn:dslforum-org:cwmp-1-N`.
  public var namespaceMinor: UInt8
  /// How the CPE proved who it is.
  public var authentication: CPEMessage.Authentication
  /// Whether the session waits for work.
  public var waits: Bool
  /// Whether it was given over plain HTTP, where others may have read it: it is no proof on TLS then. Gateways of
  /// before this bit pass it over, and what they give bears none and is taken as they take it, so that sessions go on
  /// while gateways are updated one by one.
  public var isPlain: Bool
  /// Seconds since 1970, database clock.
  public var issuedAt: Int64
  /// Seconds for which it is good: SessionTimeout, but ten minutes at least and an hour at most.
  public var lifetime: UInt32

  /// Creates the cookie of a new session.
  public init(
    session: UUID128, device: UUID128, namespaceMinor: UInt8, authentication: CPEMessage.Authentication, waits: Bool,
    isPlain: Bool, issuedAt: Int64, sessionTimeout: UInt32
  ) {
    self.session = session
    self.device = device
    self.namespaceMinor = namespaceMinor
    self.authentication = authentication
    self.waits = waits
    self.isPlain = isPlain
    self.issuedAt = issuedAt
    lifetime = min(max(600, sessionTimeout), 3_600)
  }

  /// Why a cookie is not taken.
  public enum Refusal: Error, Sendable {
    /// Not one of ours, or altered.
    case forged
    /// Out of date.
    case expired
  }
}

/// Makes and checks session cookies; one a loop.
public final class SessionCookieCodec {
  private let current: UInt32
  private let authenticators: [(id: UInt32, mac: HMACSHA256)]

  /// Creates it with the cluster's secrets: the first signs, all verify.
  public init(_ keyring: ClusterKeyring) {
    current = keyring.current.id
    authenticators = keyring.all.map { ($0.id, HMACSHA256(key: $0.key(for: .cookie))) }
  }

  /// The cookie's value.
  public func encode(_ cookie: SessionCookie) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(SessionCookieLayout.length)
    bytes.append(SessionCookieLayout.version)
    append(current, to: &bytes)
    cookie.session.append(to: &bytes)
    cookie.device.append(to: &bytes)
    bytes.append(cookie.namespaceMinor)
    bytes.append(cookie.authentication.rawValue)
    bytes.append((cookie.waits ? 1 : 0) | (cookie.isPlain ? 2 : 0))
    append(cookie.issuedAt, to: &bytes)
    append(cookie.lifetime, to: &bytes)
    append(UInt32(0), to: &bytes)
    let mac = authenticators[0].mac.authenticate(bytes.span).first16
    mac.append(to: &bytes)
    var text: [UInt8] = []
    text.reserveCapacity(96)
    Base64.append(bytes.span, to: &text, .url)
    return text
  }

  /// Reads a cookie's value.
  /// - Parameter now: seconds since 1970, database clock.
  public func decode(_ text: Span<UInt8>, now: Int64) throws(SessionCookie.Refusal) -> SessionCookie {
    guard text.count == 96, let bytes = Base64.decode(text, .url), bytes.count == SessionCookieLayout.length,
      bytes[0] == SessionCookieLayout.version,
      let session = UUID128(bytes: bytes.span.extracting(5..<21)),
      let device = UUID128(bytes: bytes.span.extracting(21..<37)),
      let mac = UUID128(bytes: bytes.span.extracting(SessionCookieLayout.signed..<SessionCookieLayout.length)),
      let authentication = CPEMessage.Authentication(rawValue: bytes[38])
    else { throw .forged }
    let keyID = number(bytes, 1, 4)
    guard let key = authenticators.first(where: { UInt64($0.id) == keyID }),
      key.mac.verifies(mac, of: bytes.span.extracting(0..<SessionCookieLayout.signed))
    else { throw .forged }
    var cookie = SessionCookie(
      session: session, device: device, namespaceMinor: bytes[37], authentication: authentication,
      waits: bytes[39] & 1 != 0, isPlain: bytes[39] & 2 != 0, issuedAt: Int64(bitPattern: number(bytes, 40, 8)),
      sessionTimeout: 0)
    cookie.lifetime = UInt32(truncatingIfNeeded: number(bytes, 48, 4))
    guard now <= cookie.issuedAt + Int64(cookie.lifetime) else { throw .expired }
    return cookie
  }

  private func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt64 {
    bytes[start..<start + count].reduce(0) { $0 << 8 | UInt64($1) }
  }
}

private enum SessionCookieLayout {
  static let version: UInt8 = 1
  static let signed = 56
  static let length = 72
}
