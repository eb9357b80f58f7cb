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
    if let excess = inform.deviceID.excess {
      throw CWMPError(.invalidArguments, "the DeviceId's \(excess)", reply: .fault(.invalidArguments))
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

  /// Four times what the XSD allows; a bound only against abuse. Codes and keys go into a record's headers, so they are
  /// cut at what the XSD allows (64 characters, which are ASCII; 32 of up to four bytes).
  private static let mostEvents = 256
  private static let longestCode = 64
  private static let longestKey = 128

  private mutating func events(_ index: Int) -> [EventStruct] {
    var events: [EventStruct] = []
    for child in children(of: index) {
      guard events.count < Self.mostEvents else {
        notes.insert(.droppedEvent)
        break
      }
      let code = string(.eventCode, of: child, most: Self.longestCode)
      if code.isEmpty {
        notes.insert(.droppedEvent)
      } else {
        let key = string(.commandKey, of: child, most: Self.longestKey)
        events.append(EventStruct(EventCode(code), commandKey: key))
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

  mutating func cpeResponse(to method: String) throws(CWMPError) -> CPEResponse {
    guard let known = RPCMethod(rawValue: method) else { return .unknown(method: method) }
    switch known {
    case .getRPCMethods: return .getRPCMethods(strings(.methodList, of: root, most: Self.mostMethods))
    case .getParameterNames:
      var list = ParameterInfoList()
      list.table = table
      return .getParameterNames(list)
    case .getParameterValues:
      var list = ParameterList()
      list.table = table
      return .getParameterValues(list)
    case .getParameterAttributes: return .getParameterAttributes(try attributes())
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

  private func attributes() throws(CWMPError) -> [ParameterAttributes] {
    guard let list = child(.parameterList, of: root) else { return [] }
    var attributes: [ParameterAttributes] = []
    for entry in children(of: list) {
      let name = string(.name, of: entry)
      guard !name.isEmpty else { continue }
      guard attributes.count < mostParameters else {
        throw CWMPError(.tooLarge, "more than \(mostParameters) parameters", reply: .status(413))
      }
      let notification = Int(string(.notification, of: entry)) ?? 0
      let accessList = strings(.accessList, of: entry, most: Self.mostAccesses)
      attributes.append(ParameterAttributes(name, notification: notification, accessList: accessList))
    }
    return attributes
  }

  // What of these lists counts; the standard has some thirty methods and one entity (`Subscriber`).
  private static let mostMethods = 256
  private static let mostAccesses = 64
  private static let mostFaults = 256

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
    let faults = children(of: parent).lazy.filter { [body] in body[$0].word == Word.setParameterValuesFault.rawValue }
    let parameters = faults.prefix(Self.mostFaults).map { [self] index in
      CWMPFault.Parameter(
        name: string(.parameterName, of: index), code: Int(string(.faultCode, of: index)) ?? 0,
        string: string(.faultString, of: index))
    }
    return CWMPFault(
      code: number(body[code]) ?? 0, string: string(.faultString, of: parent), side: side, parameters: parameters)
  }
}
