import COpenSSL

/// MD5, for HTTP Digest (TR-069 §3.4.5) and nothing else.
public enum MD5 {
  /// The 16 bytes of the digest.
  public static func hash(_ bytes: Span<UInt8>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 16) { output, count in
      let done = bytes.withUnsafeBufferPointer { input in
        EVP_Digest(input.baseAddress, input.count, output.baseAddress, nil, Algorithms.shared.md5, nil)
      }
      precondition(done == 1, "OpenSSL cannot compute MD5")
      count = 16
    }
  }

  /// The 32 lower-case hexadecimal digits of the digest, as Digest writes it.
  public static func hex(_ bytes: [UInt8]) -> [UInt8] {
    Array(Hex.encode(hash(bytes.span).span).utf8)
  }
}
