/// The FaultStruct of a transfer: code 0 is success, every other a failure (item 151).
public struct TransferFault: Sendable, Hashable, Codable {
  /// 0 or a CPE fault code.
  public var code: Int
  /// The CPE's words.
  public var string: String

  /// Makes a result.
  public init(code: Int, string: String) {
    self.code = code
    self.string = string
  }

  /// Code 0.
  public static let success = TransferFault(code: 0, string: "")

  /// Whether the transfer succeeded.
  public var isSuccess: Bool { code == 0 }
}
