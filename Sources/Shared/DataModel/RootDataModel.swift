/// Which data model a CPE has, told by the first name of its parameters and by nothing else (item 99).
public enum RootDataModel: String, Sendable, Hashable, CaseIterable {
  /// TR-181: `Device.`
  case device = "Device."
  /// TR-098: `InternetGatewayDevice.`
  case internetGatewayDevice = "InternetGatewayDevice."

  /// The root object's path, with its dot.
  public var path: ParameterPath { ParameterPath(unchecked: rawValue) }

  /// The root object in which the path lies.
  public init?(of path: ParameterPath) {
    guard let found = Self.allCases.first(where: { path.text.utf8.starts(with: $0.rawValue.utf8) }) else { return nil }
    self = found
  }

  /// The root of the first path that has one of the two; `nil` where none has.
  public static func detect(in paths: some Sequence<ParameterPath>) -> RootDataModel? {
    for path in paths {
      if let found = RootDataModel(of: path) { return found }
    }
    return nil
  }
}
