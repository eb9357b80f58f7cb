/// A `WWW-Authenticate: Digest` challenge, written by the ACS and read by its simulator and its tests.
public struct DigestChallenge: Equatable, Sendable {
  /// What is protected.
  public var realm: String
  /// The server's nonce.
  public var nonce: String
  /// Absent: the client does not name one either (item 178).
  public var algorithm: DigestAlgorithm?
  /// Whether `qop="auth"` is offered; a list with auth-int confuses clients (item 106).
  public var offersProtection: Bool
  /// To be echoed.
  public var opaque: String?
  /// The nonce was the only thing wrong.
  public var isStale: Bool

  /// A challenge of these parts.
  public init(
    realm: String, nonce: String, algorithm: DigestAlgorithm? = .md5, offersProtection: Bool = true,
    opaque: String? = nil, isStale: Bool = false
  ) {
    self.realm = realm
    self.nonce = nonce
    self.algorithm = algorithm
    self.offersProtection = offersProtection
    self.opaque = opaque
    self.isStale = isStale
  }

  /// The header's value, quoted as RFC 2617 §3.2.1 says: `algorithm` and `stale` are not (item 106).
  public var headerValue: String {
    var text = "Digest realm=\"\(Self.escaped(realm))\", nonce=\"\(Self.escaped(nonce))\""
    if offersProtection { text += ", qop=\"auth\"" }
    if let algorithm { text += ", algorithm=\(algorithm.rawValue)" }
    if let opaque { text += ", opaque=\"\(Self.escaped(opaque))\"" }
    if isStale { text += ", stale=true" }
    return text
  }

  /// The first Digest challenge, of an algorithm known here, in a header's value; `nil` where there is none.
  public static func parse(_ value: Span<UInt8>) -> DigestChallenge? {
    guard value.count <= 4096 else { return nil }
    var cursor = ParameterCursor(value)
    while true {
      let scheme = cursor.token().lowercased()
      if scheme.isEmpty { return nil }
      var found: [String: String] = [:]
      reading: while true {
        switch cursor.next() {
        case .parameter(let name, let value): found[name] = String(decoding: value, as: UTF8.self)
        case .end: break reading
        case .malformed: return nil
        }
      }
      if scheme == "digest", let challenge = DigestChallenge(found) { return challenge }
    }
  }

  private init?(_ found: [String: String]) {
    guard let realm = found["realm"], let nonce = found["nonce"] else { return nil }
    let algorithm = found["algorithm"].map { DigestAlgorithm(token: $0) }
    if case .some(.none) = algorithm { return nil }
    let offered = found["qop"].map { $0.lowercased().split { $0 == "," || $0 == " " }.contains("auth") }
    // Only auth-int is offered: nothing that we could answer.
    if offered == false { return nil }
    self.init(
      realm: realm, nonce: nonce, algorithm: algorithm ?? nil, offersProtection: offered ?? false,
      opaque: found["opaque"], isStale: found["stale"]?.lowercased() == "true")
  }

  /// The `Authorization` value that answers the challenge: no qop, nc and cnonce where none was offered; algorithm and
  /// opaque only where given (item 178).
  public func answer(
    username: String, password: String, method: String, uri: String, clientNonce: String, nonceCount: UInt32 = 1
  ) -> String {
    let digits = String(nonceCount, radix: 16)
    let count = String(repeating: "0", count: 8 - digits.count) + digits
    let isSession = algorithm?.isSession ?? false
    let protection = DigestComputation.Protection(clientNonce: Array(clientNonce.utf8), nonceCount: Array(count.utf8))
    let computation = DigestComputation(
      algorithm: algorithm ?? .md5, realm: Array(realm.utf8), nonce: Array(nonce.utf8),
      protection: offersProtection ? protection : nil)
    let response = computation.response(
      username: Array(username.utf8), password: Array(password.utf8), method: Array(method.utf8), uri: Array(uri.utf8))
    var text = "Digest username=\"\(Self.escaped(username))\", realm=\"\(Self.escaped(realm))\", "
    text += "nonce=\"\(Self.escaped(nonce))\", uri=\"\(Self.escaped(uri))\""
    if let algorithm { text += ", algorithm=\(algorithm.rawValue)" }
    text += ", response=\"\(String(decoding: response, as: UTF8.self))\""
    if let opaque { text += ", opaque=\"\(Self.escaped(opaque))\"" }
    if offersProtection { text += ", qop=auth, nc=\(count)" }
    if offersProtection || isSession { text += ", cnonce=\"\(Self.escaped(clientNonce))\"" }
    return text
  }

  private static func escaped(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else { return text }
    return text.reduce(into: "") { result, character in
      if character == "\"" || character == "\\" { result.append("\\") }
      result.append(character)
    }
  }
}
