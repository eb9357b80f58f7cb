/// The value of an `Authorization` header (RFC 9110 §11.6.2), parsed from bytes. Holds what a client claims: nothing of
/// it is proved, and none of it may be logged but the username.
public enum AuthorizationHeader: Sendable {
  /// RFC 7617.
  case basic(BasicAuthorization)
  /// RFC 7616, and RFC 2069 where there is no qop.
  case digest(DigestAuthorization)
  /// A token of RFC 6750.
  case bearer(token: [UInt8])

  /// Why a header is refused.
  public enum Refusal: Error, Equatable, Sendable {
    /// Neither Basic nor Digest nor Bearer.
    case unknownScheme
    /// Basic: not base64, or no colon in it.
    case malformedBasic
    /// Digest: not a list of `name=value`, or one of username, realm, nonce, uri, response is missing.
    case malformedDigest
    /// Digest: an algorithm or a qop that was not offered.
    case unsupportedDigest
    /// Above 4,096 bytes.
    case tooLong
  }

  /// The parsed header.
  public static func parse(_ value: Span<UInt8>) throws(Refusal) -> AuthorizationHeader {
    guard value.count <= 4096 else { throw .tooLong }
    var cursor = ParameterCursor(value)
    switch cursor.token().lowercased() {
    case "basic": return .basic(try BasicAuthorization(token68: cursor.rest()))
    case "digest": return .digest(try DigestAuthorization(&cursor))
    case "bearer": return .bearer(token: cursor.rest())
    default: throw .unknownScheme
    }
  }
}

/// Username and password of Basic authentication, as bytes: CPEs write Latin-1 as well as UTF-8 (RFC 7617 §2.1).
public struct BasicAuthorization: Sendable {
  /// Before the first colon.
  public let username: [UInt8]
  /// After the first colon.
  public let password: SecretKey

  init(token68: [UInt8]) throws(AuthorizationHeader.Refusal) {
    guard let decoded = Base64.decode(token68.span), let colon = decoded.firstIndex(of: UInt8(ascii: ":")) else {
      throw .malformedBasic
    }
    username = Array(decoded[..<colon])
    password = SecretKey(Array(decoded[(colon + 1)...]))
  }

  /// Whether the password is this one, in constant time.
  public func proves(password expected: [UInt8]) -> Bool {
    // Over digests, so that the time does not tell the length either.
    ConstantTime.equal(SHA256.hash(password.bytes).bytes, SHA256.hash(expected).bytes)
  }

  /// The header value for a username and a password.
  public static func headerValue(username: String, password: String) -> String {
    "Basic " + Base64.encode(Array("\(username):\(password)".utf8).span)
  }
}
