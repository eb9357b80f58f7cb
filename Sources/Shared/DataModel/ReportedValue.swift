/// One parameter's value as a CPE reported it: an entry of an Inform's or a GetParameterValuesResponse's list.
public struct ReportedValue: Sendable, Equatable {
  /// The parameter.
  public var path: ParameterPath
  /// The type that stood with the value.
  public var type: ParameterType
  /// The value as it stood on the wire.
  public var value: String

  /// Makes an entry of parts that are known to be right.
  public init(path: ParameterPath, type: ParameterType, value: String) {
    self.path = path
    self.type = type
    self.value = value
  }

  /// Makes an entry of what stood in the message; `nil` where the name can be no parameter's.
  public init?(name: String, type: String, value: String) {
    guard let path = ParameterPath(reported: name), !path.isObject else { return nil }
    self.init(path: path, type: ParameterType(wireName: type), value: value)
  }
}

/// One entry of a GetParameterNamesResponse (item 124).
public struct ReportedName: Sendable, Equatable {
  /// The parameter or object; an object may come without its final dot (Q32).
  public var path: ParameterPath
  /// Writable: of a parameter, may be set; of a table, AddObject; of an instance, DeleteObject.
  public var writable: Bool

  /// Makes an entry of parts that are known to be right.
  public init(path: ParameterPath, writable: Bool) {
    self.path = path
    self.writable = writable
  }

  /// Makes an entry of what stood in the message; `nil` where the name can be no path.
  public init?(name: String, writable: Bool) {
    guard let path = ParameterPath(reported: name) else { return nil }
    self.init(path: path, writable: writable)
  }
}

/// One entry of a GetParameterAttributesResponse, or of a SetParameterAttributes that succeeded (item 138).
public struct ReportedAttributes: Sendable, Equatable {
  /// The parameter, or an object for all that it holds.
  public var path: ParameterPath
  /// 0 off, 1 passive, 2 active, 3 to 6 lightweight; `nil` where unchanged.
  public var notification: UInt8?
  /// Who else may change the value: `Subscriber` or nobody; `nil` where unchanged.
  public var accessList: [String]?

  /// Makes an entry.
  public init(path: ParameterPath, notification: UInt8?, accessList: [String]?) {
    self.path = path
    self.notification = notification
    self.accessList = accessList
  }
}
