/// A request of a CPE to the ACS, other than Inform.
public enum CPERequest: Sendable, Hashable {
  /// Which methods does the ACS have?
  case getRPCMethods
  /// A transfer that this ACS asked for has ended.
  case transferComplete(TransferComplete)
  /// A transfer that this ACS did not ask for has ended.
  case autonomousTransferComplete(AutonomousTransferComplete)
  /// A method that this ACS does not have: answered with fault 8000, kept in the record (item 74).
  case unknown(method: String)

  /// The method's name.
  public var method: String {
    switch self {
    case .getRPCMethods: "GetRPCMethods"
    case .transferComplete: "TransferComplete"
    case .autonomousTransferComplete: "AutonomousTransferComplete"
    case .unknown(let method): method
    }
  }

  /// The methods that this ACS accepts, as its GetRPCMethodsResponse lists them (item 120).
  public static let acceptedMethods = ["Inform", "GetRPCMethods", "TransferComplete", "AutonomousTransferComplete"]
}
