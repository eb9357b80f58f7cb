import COpenSSL

/// Incremental SHA-256 with a reused context: make one per loop, then `update`… and `finish`, again and again.
///
/// Not Sendable: it lives where it is made. For a single short input from anywhere, ``hash(_:)-(Span<UInt8>)``.
public final class SHA256 {
  private let context: OpaquePointer

  /// A hasher that has seen nothing.
  public init() {
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
    self.context = context
    start()
  }

  deinit { EVP_MD_CTX_free(context) }

  private func start() {
    let done = EVP_DigestInit_ex2(context, Algorithms.shared.sha256, nil)
    precondition(done == 1, "OpenSSL cannot start SHA-256")
  }

  /// Takes further bytes.
  public func update(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBufferPointer { buffer in
      _ = EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
    }
  }

  /// Takes further bytes.
  public func update(_ bytes: [UInt8]) {
    update(bytes.span)
  }

  /// The digest of all bytes since the last `finish` or ``reset()``; the hasher is then as new.
  public func finish() -> SHA256Digest {
    var digest = SHA256Digest.zero
    digest.withUnsafeMutableBytes { output in
      _ = EVP_DigestFinal_ex(context, output.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
    }
    start()
    return digest
  }

  /// Forgets what was taken.
  public func reset() { start() }

  /// The digest of one input.
  public static func hash(_ bytes: Span<UInt8>) -> SHA256Digest {
    let hasher = SHA256()
    hasher.update(bytes)
    return hasher.finish()
  }

  /// The digest of one input.
  public static func hash(_ bytes: [UInt8]) -> SHA256Digest { hash(bytes.span) }
}

/// 32 bytes of SHA-256 or HMAC-SHA-256, without a heap allocation.
///
/// `==` is not constant-time: compare what guards something with ``ConstantTime``.
public struct SHA256Digest: Hashable, Sendable {
  // In memory order, so that C writes straight into them.
  private var words: (UInt64, UInt64, UInt64, UInt64)

  /// 32 zero bytes.
  public static let zero = SHA256Digest(words: (0, 0, 0, 0))

  private init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  /// A digest of exactly 32 bytes; `nil` for any other count.
  public init?(bytes: Span<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self = .zero
    withUnsafeMutableBytes { output in
      for index in 0..<32 { output[index] = bytes[index] }
    }
  }

  /// The 32 bytes.
  public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

  /// The first 16 bytes, as a MAC or a short digest is cut (architecture §2.4).
  public var first16: UUID128 {
    UUID128(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
  }

  /// 64 hexadecimal digits.
  public var hex: String { Hex.encode(bytes.span) }

  /// Calls `body` with the 32 bytes in place.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Swift.withUnsafeBytes(of: words, body)
  }

  mutating func withUnsafeMutableBytes(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
    Swift.withUnsafeMutableBytes(of: &words, body)
  }

  /// Whether all 32 bytes are the same.
  public static func == (left: SHA256Digest, right: SHA256Digest) -> Bool { left.words == right.words }

  /// Feeds the bytes.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}
