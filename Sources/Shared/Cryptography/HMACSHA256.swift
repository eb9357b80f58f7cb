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
    // OSSL_PARAM wants a mutable string that outlives the call only.
    var name = Array("SHA256".utf8CString)
    let done = name.withUnsafeMutableBufferPointer { digest in
      let parameters = [
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.baseAddress, 0), OSSL_PARAM_construct_end(),
      ]
      // A key of no bytes is legal HMAC (HKDF's absent salt), but a null pointer means "keep the former key".
      return (key.bytes.isEmpty ? [0] : key.bytes).withUnsafeBufferPointer {
        EVP_MAC_init(context, $0.baseAddress, key.bytes.count, parameters)
      }
    }
    precondition(done == 1, "OpenSSL cannot start HMAC-SHA-256")
  }

  deinit { EVP_MAC_CTX_free(context) }

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
