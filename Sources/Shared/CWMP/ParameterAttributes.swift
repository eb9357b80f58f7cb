/// One entry of a GetParameterAttributesResponse.
public struct ParameterAttributes: Sendable, Hashable, Codable {
  /// The parameter's path.
  public var name: String
  /// 0 off, 1 passive, 2 active, 3...6 lightweight (item 141).
  public var notification: Int
  /// Who besides the ACS may write: `Subscriber` or nothing.
  public var accessList: [String]

  /// Makes an entry.
  public init(_ name: String, notification: Int, accessList: [String] = []) {
    self.name = name
    self.notification = notification
    self.accessList = accessList
  }
}
