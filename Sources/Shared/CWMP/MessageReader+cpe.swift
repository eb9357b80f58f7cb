/// What CPEs send.
extension MessageReader {
  mutating func inform() throws(CWMPError) -> Inform {
    var inform = Inform(deviceID: DeviceID(oui: "", serialNumber: ""), events: [])
    for index in children(of: root) {
      guard let word = Vocabulary.word(Int(body[index].word)) else { continue }
      switch word {
      case .deviceId: inform.deviceID = deviceID(index)
      case .event: inform.events = events(index)
      case .maxEnvelopes: inform.maxEnvelopes = UInt32(exactly: number(body[index]) ?? 1) ?? 1
      case .currentTime: inform.currentTime = DateTimeText(string(body[index]))
      case .retryCount: inform.retryCount = UInt32(exactly: number(body[index]) ?? 0) ?? 0
      default: break
      }
    }
    for word in [Word.event, .maxEnvelopes, .currentTime, .retryCount, .parameterList]
    where child(word, of: root) == nil {
      notes.insert(.missingArgument)
    }
    guard !inform.deviceID.oui.isEmpty, !inform.deviceID.serialNumber.isEmpty else {
      throw CWMPError(
        .invalidArguments, "the Inform's DeviceId lacks OUI or SerialNumber", reply: .fault(.invalidArguments))
    }
    inform.parameters.table = table
    return inform
  }

  private func deviceID(_ index: Int) -> DeviceID {
    var device = DeviceID(oui: "", serialNumber: "")
    for child in children(of: index) {
      switch Vocabulary.word(Int(body[child].word)) {
      case .manufacturer: device.manufacturer = string(body[child])
      case .oui: device.oui = string(body[child])
      case .productClass: device.productClass = string(body[child])
      case .serialNumber: device.serialNumber = string(body[child])
      default: break
      }
    }
    return device
  }

  /// Four times what the XSD allows; a bound only against abuse.
  private static let mostEvents = 256

  private mutating func events(_ index: Int) -> [EventStruct] {
    var events: [EventStruct] = []
    for child in children(of: index) {
      let code = string(.eventCode, of: child)
      if code.isEmpty || events.count == Self.mostEvents {
        notes.insert(.droppedEvent)
      } else {
        events.append(EventStruct(EventCode(code), commandKey: string(.commandKey, of: child)))
      }
    }
    return events
  }

  mutating func cpeRequest(_ method: String) -> CPERequest {
    switch method {
    case "GetRPCMethods": .getRPCMethods
    case "TransferComplete": .transferComplete(transferComplete())
    case "AutonomousTransferComplete": .autonomousTransferComplete(autonomousTransferComplete())
    default: .unknown(method: method)
    }
  }

  private mutating func transferComplete() -> TransferComplete {
    TransferComplete(
      commandKey: string(.commandKey, of: root), fault: transferFault(), startTime: dateTime(.startTime, of: root),
      completeTime: dateTime(.completeTime, of: root))
  }

  private mutating func autonomousTransferComplete() -> AutonomousTransferComplete {
    AutonomousTransferComplete(
      announceURL: string(.announceURL, of: root), transferURL: string(.transferURL, of: root),
      isDownload: boolean(.isDownload, of: root), fileType: string(.fileType, of: root),
      fileSize: UInt64(string(.fileSize, of: root)) ?? 0, targetFileName: string(.targetFileName, of: root),
      fault: transferFault(), startTime: dateTime(.startTime, of: root), completeTime: dateTime(.completeTime, of: root)
    )
  }

  /// A missing FaultStruct means success; one with a code that is no number is a failure (9002, internal error).
  private mutating func transferFault() -> TransferFault {
    guard let index = child(.faultStruct, of: root) else {
      notes.insert(.missingArgument)
      return .success
    }
    return TransferFault(code: number(.faultCode, of: index) ?? 9_002, string: string(.faultString, of: index))
  }

  mutating func cpeResponse(to method: String) -> CPEResponse {
    guard let known = RPCMethod(rawValue: method) else { return .unknown(method: method) }
    switch known {
    case .getRPCMethods: return .getRPCMethods(strings(.methodList, of: root))
    case .getParameterNames:
      var list = ParameterInfoList()
      list.table = table
      return .getParameterNames(list)
    case .getParameterValues:
      var list = ParameterList()
      list.table = table
      return .getParameterValues(list)
    case .getParameterAttributes: return .getParameterAttributes(attributes())
    case .setParameterValues: return .setParameterValues(status: number(.status, of: root) ?? 0)
    case .setParameterAttributes: return .setParameterAttributes
    case .addObject:
      let instance = number(.instanceNumber, of: root).flatMap { UInt32(exactly: $0) } ?? 0
      return .addObject(instanceNumber: instance, status: number(.status, of: root) ?? 0)
    case .deleteObject: return .deleteObject(status: number(.status, of: root) ?? 0)
    case .reboot: return .reboot
    case .factoryReset: return .factoryReset
    case .download: return .download(transferStatus())
    case .upload: return .upload(transferStatus())
    case .scheduleInform: return .scheduleInform
    }
  }

  private mutating func transferStatus() -> TransferStatus {
    // Without a status a TransferComplete may still come.
    TransferStatus(
      status: number(.status, of: root) ?? 1, startTime: dateTime(.startTime, of: root),
      completeTime: dateTime(.completeTime, of: root))
  }

  private mutating func attributes() -> [ParameterAttributes] {
    guard let list = child(.parameterList, of: root) else { return [] }
    return children(of: list).compactMap { entry in
      let name = string(.name, of: entry)
      guard !name.isEmpty else { return nil }
      let notification = Int(string(.notification, of: entry)) ?? 0
      return ParameterAttributes(name, notification: notification, accessList: strings(.accessList, of: entry))
    }
  }

  /// The CWMP code of a SOAP Fault, wherever below it the `FaultCode` lies (items 65 and 174).
  func fault() -> CWMPFault {
    let side = string(.soapFaultCode, of: root).split(separator: ":").last.flatMap {
      CWMPFault.Side(rawValue: String($0))
    }
    guard let code = body.firstIndex(where: { $0.word == Word.faultCode.rawValue }),
      let parent = body[..<code].lastIndex(where: { $0.depth == body[code].depth - 1 })
    else {
      return CWMPFault(code: 0, string: string(.soapFaultString, of: root), side: side)
    }
    let parameters = children(of: parent).filter { body[$0].word == Word.setParameterValuesFault.rawValue }
    return CWMPFault(
      code: number(body[code]) ?? 0, string: string(.faultString, of: parent), side: side,
      parameters: parameters.map { index in
        CWMPFault.Parameter(
          name: string(.parameterName, of: index), code: Int(string(.faultCode, of: index)) ?? 0,
          string: string(.faultString, of: index))
      })
  }
}
