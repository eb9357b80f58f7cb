/// A response of the ACS to a CPE's request.
public enum ACSResponse: Sendable, Hashable {
  /// To Inform; the number is always 1 (item 95).
  case inform(maxEnvelopes: UInt32)
  /// The ACS's methods.
  case getRPCMethods([String])
  /// To TransferComplete.
  case transferComplete
  /// To AutonomousTransferComplete.
  case autonomousTransferComplete
  /// To a method that is not known here; the method without `Response`.
  case unknown(method: String)

  /// The method that is answered, without `Response`.
  public var method: String {
    switch self {
    case .inform: "Inform"
    case .getRPCMethods: "GetRPCMethods"
    case .transferComplete: "TransferComplete"
    case .autonomousTransferComplete: "AutonomousTransferComplete"
    case .unknown(let method): method
    }
  }
}
