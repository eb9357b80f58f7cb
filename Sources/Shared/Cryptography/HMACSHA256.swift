import COpenSSL

/// HMAC-SHA-256 under one key, with a reused context (RFC 2104). Make one per loop and key.
///
/// Not Sendable: it lives where it is made. For a single message from anywhere, ``authenticate(_:key:)``.
public final class HMACSHA256 {
  private let context: OpaquePointer

  /// An authenticator under `key`.
  public init(key: SecretKey) {
    guard let context = EVP_MAC_CTX_new(Algorithms.shared.hmac) else { preconditionFailure("out of memory") }
    self.context = context
    let parameters = [Self.digestParameter, OSSL_PARAM_construct_end()]
    // A key of no bytes is legal HMAC (HKDF's absent salt), but a null pointer would mean "keep the former key".
    let bytes = key.bytes.isEmpty ? [0] : key.bytes
    let done = EVP_MAC_init(context, bytes, key.bytes.count, parameters)
    precondition(done == 1, "OpenSSL cannot start HMAC-SHA-256")
  }

  deinit { EVP_MAC_CTX_free(context) }

  /// `digest = SHA256`. An OSSL_PARAM keeps the pointers it is given, so they are those of constants, never of a Swift
  /// string made for the call; OpenSSL only reads what the mutable one points to.
  private static var digestParameter: OSSL_PARAM {
    let key: StaticString = "digest"
    let value: StaticString = "SHA256"
    let name = UnsafeRawPointer(key.utf8Start).assumingMemoryBound(to: CChar.self)
    let digest = UnsafeMutableRawPointer(mutating: value.utf8Start).assumingMemoryBound(to: CChar.self)
    return OSSL_PARAM_construct_utf8_string(name, digest, 0)
  }

  /// Takes further bytes of the message.
  public func update(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBufferPointer { _ = EVP_MAC_update(context, $0.baseAddress, $0.count) }
  }

  /// Takes further bytes of the message.
  public func update(_ bytes: [UInt8]) { update(bytes.span) }

  /// The code of all bytes since the last `finish`; the authenticator is then ready for the next message.
  public func finish() -> SHA256Digest {
    var digest = SHA256Digest.zero
    digest.withUnsafeMutableBytes { output in
      var count = 0
      _ = EVP_MAC_final(context, output.baseAddress?.assumingMemoryBound(to: UInt8.self), &count, 32)
    }
    let done = EVP_MAC_init(context, nil, 0, nil)
    precondition(done == 1, "OpenSSL cannot restart HMAC-SHA-256")
    return digest
  }

  /// The code of one message.
  public func authenticate(_ message: Span<UInt8>) -> SHA256Digest {
    update(message)
    return finish()
  }

  /// Whether `mac` is the first 16 bytes of the message's code, compared in constant time.
  public func verifies(_ mac: UUID128, of message: Span<UInt8>) -> Bool {
    ConstantTime.equal(authenticate(message).first16, mac)
  }

  /// The code of one message under a key.
  public static func authenticate(_ message: Span<UInt8>, key: SecretKey) -> SHA256Digest {
    HMACSHA256(key: key).authenticate(message)
  }
}
