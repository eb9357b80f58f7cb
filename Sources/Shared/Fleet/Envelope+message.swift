public import CWMP

// What an envelope from a CPE carries, as the roles ask for it.
extension Envelope {
  /// The Inform, if it is one.
  public var inform: Inform? { if case .inform(let inform) = message { inform } else { nil } }

  /// Another request of the CPE's own.
  public var request: CPERequest? { if case .cpeRequest(let request) = message { request } else { nil } }

  /// A response to an RPC of ours.
  public var response: CPEResponse? { if case .cpeResponse(let response) = message { response } else { nil } }

  /// A fault instead of a response.
  public var fault: CWMPFault? { if case .fault(let fault) = message { fault } else { nil } }
}
