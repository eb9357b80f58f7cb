/// A request of the ACS to a CPE, with its arguments.
public enum CWMPRequest: Sendable, Hashable {
  /// Which methods does the CPE have?
  case getRPCMethods
  /// The names below a path (an object's path ends in a dot, the empty string is the root; item 122).
  case getParameterNames(path: String, nextLevel: Bool)
  /// The values of parameters and of everything below partial paths.
  case getParameterValues(names: [String])
  /// The attributes of parameters and of everything below partial paths.
  case getParameterAttributes(names: [String])
  /// Sets all values or none (item 130).
  case setParameterValues([ParameterValue], parameterKey: String)
  /// Changes notification and access.
  case setParameterAttributes([AttributeChange])
  /// Makes an instance of a table; the path ends in a dot.
  case addObject(path: String, parameterKey: String)
  /// Removes an instance; the path ends in a dot.
  case deleteObject(path: String, parameterKey: String)
  /// Restarts the CPE after the session.
  case reboot(commandKey: String)
  /// Back to the factory's settings after the session.
  case factoryReset
  /// Lets the CPE fetch a file.
  case download(DownloadArguments)
  /// Lets the CPE send a file.
  case upload(UploadArguments)
  /// An Inform after so many seconds (at least 1; item 168).
  case scheduleInform(delaySeconds: UInt32, commandKey: String)

  /// The method.
  public var method: RPCMethod {
    switch self {
    case .getRPCMethods: .getRPCMethods
    case .getParameterNames: .getParameterNames
    case .getParameterValues: .getParameterValues
    case .getParameterAttributes: .getParameterAttributes
    case .setParameterValues: .setParameterValues
    case .setParameterAttributes: .setParameterAttributes
    case .addObject: .addObject
    case .deleteObject: .deleteObject
    case .reboot: .reboot
    case .factoryReset: .factoryReset
    case .download: .download
    case .upload: .upload
    case .scheduleInform: .scheduleInform
    }
  }
}
