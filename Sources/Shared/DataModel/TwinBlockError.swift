/// Why stored bytes are no block of a twin. The device's knowledge in that block is lost and is learned again.
public struct TwinBlockError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong with the bytes.
  public enum Reason: Sendable, Equatable {
    /// The first byte names a version that this build does not know.
    case unknownVersion(UInt8)
    /// The bytes end inside a field, or a length or index points outside.
    case truncated
    /// A field holds what the format does not allow.
    case malformed
    /// A text is no UTF-8.
    case notUTF8
    /// Names are not in ascending order.
    case unordered
    /// Bytes follow the last entry.
    case trailingBytes
  }

  /// What is wrong with the bytes.
  public let reason: Reason
  /// The block's key.
  public let key: String
  /// Where reading stopped.
  public let offset: Int

  /// One line for people.
  public var description: String {
    "the stored block '\(key)' of a device's twin is damaged at byte \(offset): \(reason); it is learned anew"
  }
}
