/// A client's answer to a Digest challenge, as parsed: nothing of it is proved.
public struct DigestAuthorization: Sendable {
  /// Who it claims to be.
  public let username: [UInt8]
  /// As echoed.
  public let realm: [UInt8]
  /// As echoed.
  public let nonce: [UInt8]
  /// The request target that it signs.
  public let uri: [UInt8]
  /// 32 or 64 hexadecimal digits, lower-cased.
  public let response: [UInt8]
  /// MD5 where the answer names none.
  public let algorithm: DigestAlgorithm
  /// `cnonce` and `nc`; absent where the answer has no qop though one was offered (item 105, quirk Q8).
  public let protection: DigestComputation.Protection?
  /// As echoed.
  public let opaque: [UInt8]?

  init(_ cursor: inout ParameterCursor) throws(AuthorizationHeader.Refusal) {
    var found: [String: [UInt8]] = [:]
    reading: while true {
      switch cursor.next() {
      case .parameter(let name, let value):
        // A second value for the same name is an attempt to be read in two ways.
        guard found.updateValue(value, forKey: name) == nil else { throw .malformedDigest }
      case .end: break reading
      case .malformed: throw .malformedDigest
      }
    }
    guard let username = found["username"], let realm = found["realm"], let nonce = found["nonce"],
      let uri = found["uri"], let response = found["response"]
    else { throw .malformedDigest }
    let named = found["algorithm"].map { DigestAlgorithm(token: String(decoding: $0, as: UTF8.self)) } ?? .md5
    guard let algorithm = named else { throw .unsupportedDigest }
    self.username = username
    self.realm = realm
    self.nonce = nonce
    self.uri = uri
    self.response = response.map { $0 >= 0x41 && $0 <= 0x46 ? $0 | 0x20 : $0 }
    self.algorithm = algorithm
    opaque = found["opaque"]
    guard let quality = found["qop"] else {
      protection = nil
      return
    }
    guard String(decoding: quality, as: UTF8.self).lowercased() == "auth" else { throw .unsupportedDigest }
    guard let clientNonce = found["cnonce"], let nonceCount = found["nc"], nonceCount.count == 8,
      nonceCount.allSatisfy({ Hex.value(of: $0) != nil })
    else { throw .malformedDigest }
    protection = DigestComputation.Protection(clientNonce: clientNonce, nonceCount: nonceCount)
  }

  /// The nonce count, for a cache of those seen; `nil` without qop.
  public var nonceCount: UInt32? {
    protection.flatMap { UInt32(String(decoding: $0.nonceCount, as: UTF8.self), radix: 16) }
  }

  /// Whether the response proves this password for this request, in constant time. Says nothing of the nonce: see
  /// ``DigestNonces``.
  ///
  /// - Parameter target: the request's target; the signed uri may be it, or an absolute URL with the same path and
  ///   query, which some CPEs sign.
  public func proves(password: [UInt8], method: [UInt8], target: [UInt8]) -> Bool {
    guard signs(target) else { return false }
    let computation = DigestComputation(algorithm: algorithm, realm: realm, nonce: nonce, protection: protection)
    let expected = computation.response(username: username, password: password, method: method, uri: uri)
    return ConstantTime.equal(expected, response)
  }

  private func signs(_ target: [UInt8]) -> Bool {
    Self.originForm(uri) == Self.originForm(target)
  }

  /// Path and query of an absolute URL; anything else unchanged.
  private static func originForm(_ uri: [UInt8]) -> ArraySlice<UInt8> {
    guard uri.first != UInt8(ascii: "/"), let colon = uri.firstIndex(of: UInt8(ascii: ":")),
      uri[colon...].starts(with: "://".utf8)
    else { return uri.isEmpty ? [UInt8(ascii: "/")] : uri[...] }
    let authority = uri[(colon + 3)...]
    guard let path = authority.firstIndex(of: UInt8(ascii: "/")) else { return [UInt8(ascii: "/")] }
    return authority[path...]
  }
}
