/// The arithmetic of HTTP Digest, the same for who asks and who answers (RFC 7616 §3.4, RFC 2069 for an absent qop).
public struct DigestComputation: Sendable {
  /// The hash.
  public var algorithm: DigestAlgorithm
  /// As the challenge gave it.
  public var realm: [UInt8]
  /// As the challenge gave it.
  public var nonce: [UInt8]
  /// Absent for RFC 2069 style answers.
  public var protection: Protection?

  /// What `qop=auth` adds.
  public struct Protection: Sendable {
    /// The client's nonce.
    public var clientNonce: [UInt8]
    /// Eight hexadecimal digits, as written.
    public var nonceCount: [UInt8]

    /// What `qop=auth` adds.
    public init(clientNonce: [UInt8], nonceCount: [UInt8]) {
      self.clientNonce = clientNonce
      self.nonceCount = nonceCount
    }
  }

  /// The arithmetic under a challenge.
  public init(algorithm: DigestAlgorithm = .md5, realm: [UInt8], nonce: [UInt8], protection: Protection?) {
    self.algorithm = algorithm
    self.realm = realm
    self.nonce = nonce
    self.protection = protection
  }

  /// The `response` that proves the password: lower-case hexadecimal digits.
  public func response(username: [UInt8], password: [UInt8], method: [UInt8], uri: [UInt8]) -> [UInt8] {
    let colon = [UInt8(ascii: ":")]
    var first = algorithm.hex(username + colon + realm + colon + password)
    if algorithm.isSession {
      first = algorithm.hex(first + colon + nonce + colon + (protection?.clientNonce ?? []))
    }
    let second = algorithm.hex(method + colon + uri)
    guard let protection else { return algorithm.hex(first + colon + nonce + colon + second) }
    let middle = nonce + colon + protection.nonceCount + colon + protection.clientNonce + colon + Array("auth".utf8)
    return algorithm.hex(first + colon + middle + colon + second)
  }
}
