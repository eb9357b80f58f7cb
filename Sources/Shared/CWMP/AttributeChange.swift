/// One entry of a SetParameterAttributes (item 138).
public struct AttributeChange: Sendable, Hashable, Codable {
  /// The parameter's path, or a partial path that ends in a dot.
  public var name: String
  /// The notification to set, 0...6; nil leaves it as it is.
  public var notification: Int?
  /// The access list to set, `["Subscriber"]` or empty; nil leaves it as it is.
  public var accessList: [String]?

  /// Makes a change.
  public init(_ name: String, notification: Int? = nil, accessList: [String]? = nil) {
    self.name = name
    self.notification = notification
    self.accessList = accessList
  }
}
