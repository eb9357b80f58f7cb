/// A CPE's response to a request of the ACS.
public enum CPEResponse: Sendable, Hashable {
  /// The CPE's methods.
  case getRPCMethods([String])
  /// Names below the path; may be empty (item 126).
  case getParameterNames(ParameterInfoList)
  /// Values; more, fewer and in another order than asked (item 127).
  case getParameterValues(ParameterList)
  /// Attributes.
  case getParameterAttributes([ParameterAttributes])
  /// 0 applied, 1 committed and to be applied later (item 133).
  case setParameterValues(status: Int)
  /// Done.
  case setParameterAttributes
  /// The new instance's number, and the status as for SetParameterValues.
  case addObject(instanceNumber: UInt32, status: Int)
  /// The status as for SetParameterValues.
  case deleteObject(status: Int)
  /// The CPE will restart after the session.
  case reboot
  /// The CPE will reset itself after the session.
  case factoryReset
  /// Done, or to be reported by TransferComplete.
  case download(TransferStatus)
  /// Done, or to be reported by TransferComplete.
  case upload(TransferStatus)
  /// An Inform will come.
  case scheduleInform
  /// A response to a method that this ACS does not call; the method without `Response` (item 75).
  case unknown(method: String)

  /// The method that is answered, without `Response`.
  public var method: String {
    switch self {
    case .getRPCMethods: RPCMethod.getRPCMethods.rawValue
    case .getParameterNames: RPCMethod.getParameterNames.rawValue
    case .getParameterValues: RPCMethod.getParameterValues.rawValue
    case .getParameterAttributes: RPCMethod.getParameterAttributes.rawValue
    case .setParameterValues: RPCMethod.setParameterValues.rawValue
    case .setParameterAttributes: RPCMethod.setParameterAttributes.rawValue
    case .addObject: RPCMethod.addObject.rawValue
    case .deleteObject: RPCMethod.deleteObject.rawValue
    case .reboot: RPCMethod.reboot.rawValue
    case .factoryReset: RPCMethod.factoryReset.rawValue
    case .download: RPCMethod.download.rawValue
    case .upload: RPCMethod.upload.rawValue
    case .scheduleInform: RPCMethod.scheduleInform.rawValue
    case .unknown(let method): method
    }
  }
}
