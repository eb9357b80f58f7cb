/// Key material. Its description and its reflection show nothing, so that no log or error can.
public struct SecretKey: Sendable {
  /// The bytes; 32 for every derived key.
  public let bytes: [UInt8]

  /// A key of these bytes.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }
}

extension SecretKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// `<secret>`.
  public var description: String { "<secret>" }
  /// `<secret>`.
  public var debugDescription: String { "<secret>" }
  /// No children.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
