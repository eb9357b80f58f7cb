public import DataModel

/// An RPC that policies ask for, in terms of neither SOAP nor tasks.
public enum PlannedRPC: Sendable, Equatable {
  /// SetParameterValues with each path once (item 131) and the key of all policies in force (item 134).
  case setParameterValues([ReportedValue], parameterKey: String)
  /// GetParameterValues of parameters and, with their final dot, whole objects.
  case getParameterValues([ParameterPath])
  /// GetParameterNames; no policy asks for it yet.
  case getParameterNames(ParameterPath, nextLevel: Bool)
}

/// The fault with which a CPE answered a planned RPC.
public struct PlannedFault: Sendable, Equatable {
  /// One SetParameterValuesFault (item 132).
  public struct Detail: Sendable, Equatable {
    /// The parameter that could not be set.
    public var path: ParameterPath
    /// Why.
    public var code: Int
    /// The CPE's text.
    public var text: String

    /// Makes a detail.
    public init(path: ParameterPath, code: Int, text: String) {
      self.path = path
      self.code = code
      self.text = text
    }
  }

  /// The CWMP fault code, such as 9003.
  public var code: Int
  /// The CPE's text.
  public var text: String
  /// The parameters at fault; empty with CPEs that name none (Q40).
  public var details: [Detail]

  /// Makes a fault.
  public init(code: Int, text: String, details: [Detail] = []) {
    self.code = code
    self.text = text
    self.details = details
  }
}
