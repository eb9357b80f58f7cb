/// The methods that this ACS calls on a CPE. The raw value is the element's local name.
public enum RPCMethod: String, Sendable, Hashable, Codable, CaseIterable {
  /// A.3.1.1.
  case getRPCMethods = "GetRPCMethods"
  /// A.3.2.1.
  case setParameterValues = "SetParameterValues"
  /// A.3.2.2.
  case getParameterValues = "GetParameterValues"
  /// A.3.2.3.
  case getParameterNames = "GetParameterNames"
  /// A.3.2.4.
  case setParameterAttributes = "SetParameterAttributes"
  /// A.3.2.5.
  case getParameterAttributes = "GetParameterAttributes"
  /// A.3.2.6.
  case addObject = "AddObject"
  /// A.3.2.7.
  case deleteObject = "DeleteObject"
  /// A.3.2.8.
  case download = "Download"
  /// A.3.2.9.
  case reboot = "Reboot"
  /// A.4.1.2.
  case scheduleInform = "ScheduleInform"
  /// A.4.1.5.
  case upload = "Upload"
  /// A.4.1.6.
  case factoryReset = "FactoryReset"
}
