import COpenSSL

/// Comparisons whose time does not tell where the difference is. (That the lengths differ, they do tell.)
public enum ConstantTime {
  /// Whether both hold the same bytes.
  public static func equal(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    return left.withUnsafeBufferPointer { first in
      right.withUnsafeBufferPointer { second in
        first.count == 0 || CRYPTO_memcmp(first.baseAddress, second.baseAddress, first.count) == 0
      }
    }
  }

  /// Whether both hold the same bytes.
  public static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool { equal(left.span, right.span) }

  /// Whether both are the same 16 bytes.
  public static func equal(_ left: UUID128, _ right: UUID128) -> Bool {
    (left.high ^ right.high) | (left.low ^ right.low) == 0
  }
}
