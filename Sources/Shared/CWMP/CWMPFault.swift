/// A CWMP fault, of either side (TR-069 A.5, table 2.6).
public struct CWMPFault: Error, Sendable, Hashable, Codable, CustomStringConvertible {
  /// Who is to blame: the text of SOAP's `faultcode` without prefix.
  public enum Side: String, Sendable, Hashable, Codable {
    /// The receiver of the request.
    case server = "Server"
    /// The sender of the request.
    case client = "Client"
    /// A header block was not understood (SOAP 1.1 §4.2.3).
    case mustUnderstand = "MustUnderstand"
    /// The envelope's namespace is not SOAP 1.1's.
    case versionMismatch = "VersionMismatch"
  }

  /// One parameter that made a SetParameterValues fail (item 132).
  public struct Parameter: Sendable, Hashable, Codable {
    /// The parameter's path.
    public var name: String
    /// Its fault code.
    public var code: Int
    /// Its fault's text.
    public var string: String

    /// Makes an entry.
    public init(name: String, code: Int, string: String) {
      self.name = name
      self.code = code
      self.string = string
    }
  }

  /// The fault code: 8000... from the ACS, 9000... from a CPE; 0 for a SOAP fault without a CWMP detail (item 174).
  public var code: Int
  /// The words; for a SOAP fault without detail, SOAP's `faultstring`.
  public var string: String
  /// SOAP's `faultcode`.
  public var side: Side
  /// The parameters at fault, for SetParameterValues.
  public var parameters: [Parameter]

  /// Makes a fault; the side is the one that table 2.6 gives the code.
  public init(code: Int, string: String, side: Side? = nil, parameters: [Parameter] = []) {
    self.code = code
    self.string = string
    self.side = side ?? Self.side(of: code)
    self.parameters = parameters
  }

  /// 8000, to a method that this ACS does not have.
  public static let methodNotSupported = CWMPFault(code: 8000, string: "Method not supported")
  /// 8001.
  public static let requestDenied = CWMPFault(code: 8001, string: "Request denied")
  /// 8002.
  public static let internalError = CWMPFault(code: 8002, string: "Internal error")
  /// 8003.
  public static let invalidArguments = CWMPFault(code: 8003, string: "Invalid arguments")
  /// 8004.
  public static let resourcesExceeded = CWMPFault(code: 8004, string: "Resources exceeded")
  /// 8005: the CPE sends the same request again.
  public static let retryRequest = CWMPFault(code: 8005, string: "Retry request")
  /// 8006: no common CWMP version (item 43).
  public static let versionIncompatible = CWMPFault(code: 8006, string: "ACS version incompatible with CPE")

  /// `9005 Invalid parameter name`.
  public var description: String { "\(code) \(string)" }

  private static func side(of code: Int) -> Side {
    switch code {
    case 8003, 9003, 9005...9008, 9021: .client
    default: .server
    }
  }
}
