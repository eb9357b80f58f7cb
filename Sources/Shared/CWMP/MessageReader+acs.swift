/// What an ACS sends.
extension MessageReader {
  mutating func acsResponse(to method: String) -> ACSResponse {
    switch method {
    case "Inform": .inform(maxEnvelopes: UInt32(exactly: number(.maxEnvelopes, of: root) ?? 1) ?? 1)
    case "GetRPCMethods": .getRPCMethods(strings(.methodList, of: root))
    case "TransferComplete": .transferComplete
    case "AutonomousTransferComplete": .autonomousTransferComplete
    default: .unknown(method: method)
    }
  }

  mutating func acsRequest(_ method: RPCMethod) -> CWMPRequest {
    switch method {
    case .getRPCMethods: .getRPCMethods
    case .getParameterNames:
      .getParameterNames(path: string(.parameterPath, of: root), nextLevel: boolean(.nextLevel, of: root))
    case .getParameterValues: .getParameterValues(names: strings(.parameterNames, of: root))
    case .getParameterAttributes: .getParameterAttributes(names: strings(.parameterNames, of: root))
    case .setParameterValues: .setParameterValues(values(), parameterKey: string(.parameterKey, of: root))
    case .setParameterAttributes: .setParameterAttributes(attributeChanges())
    case .addObject: .addObject(path: string(.objectName, of: root), parameterKey: string(.parameterKey, of: root))
    case .deleteObject:
      .deleteObject(path: string(.objectName, of: root), parameterKey: string(.parameterKey, of: root))
    case .reboot: .reboot(commandKey: string(.commandKey, of: root))
    case .factoryReset: .factoryReset
    case .download: .download(downloadArguments())
    case .upload: .upload(uploadArguments())
    case .scheduleInform:
      .scheduleInform(delaySeconds: unsigned(.delaySeconds), commandKey: string(.commandKey, of: root))
    }
  }

  private func values() -> [ParameterValue] {
    var list = ParameterList()
    list.table = table
    return Array(list)
  }

  private func attributeChanges() -> [AttributeChange] {
    guard let list = child(.parameterList, of: root) else { return [] }
    return children(of: list).map { entry in
      AttributeChange(
        string(.name, of: entry),
        notification: boolean(.notificationChange, of: entry) ? Int(string(.notification, of: entry)) : nil,
        accessList: boolean(.accessListChange, of: entry) ? strings(.accessList, of: entry) : nil)
    }
  }

  private mutating func downloadArguments() -> DownloadArguments {
    DownloadArguments(
      commandKey: string(.commandKey, of: root), fileType: string(.fileType, of: root), url: string(.url, of: root),
      username: string(.username, of: root), password: string(.password, of: root), fileSize: unsigned(.fileSize),
      targetFileName: string(.targetFileName, of: root), delaySeconds: unsigned(.delaySeconds),
      successURL: string(.successURL, of: root), failureURL: string(.failureURL, of: root))
  }

  private mutating func uploadArguments() -> UploadArguments {
    UploadArguments(
      commandKey: string(.commandKey, of: root), fileType: string(.fileType, of: root), url: string(.url, of: root),
      username: string(.username, of: root), password: string(.password, of: root),
      delaySeconds: unsigned(.delaySeconds))
  }

  private mutating func unsigned(_ word: Word) -> UInt32 { UInt32(exactly: number(word, of: root) ?? 0) ?? 0 }
}
