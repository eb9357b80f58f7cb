import XML

extension EnvelopeFrame {
  mutating func write(_ request: CWMPRequest) {
    switch request {
    case .getRPCMethods: xml.raw("<cwmp:GetRPCMethods></cwmp:GetRPCMethods>")
    case .factoryReset: xml.raw("<cwmp:FactoryReset></cwmp:FactoryReset>")
    case .reboot(let commandKey):
      xml.raw("<cwmp:Reboot>")
      xml.element("CommandKey", commandKey)
      xml.raw("</cwmp:Reboot>")
    case .scheduleInform(let delaySeconds, let commandKey):
      xml.raw("<cwmp:ScheduleInform>")
      xml.element("DelaySeconds", delaySeconds)
      xml.element("CommandKey", commandKey)
      xml.raw("</cwmp:ScheduleInform>")
    case .getParameterNames(let path, let nextLevel):
      xml.raw("<cwmp:GetParameterNames>")
      xml.element("ParameterPath", path)
      element("NextLevel", nextLevel)
      xml.raw("</cwmp:GetParameterNames>")
    case .getParameterValues(let names):
      xml.raw("<cwmp:GetParameterValues>")
      strings("ParameterNames", names)
      xml.raw("</cwmp:GetParameterValues>")
    case .getParameterAttributes(let names):
      xml.raw("<cwmp:GetParameterAttributes>")
      strings("ParameterNames", names)
      xml.raw("</cwmp:GetParameterAttributes>")
    case .setParameterValues(let values, let parameterKey): setParameterValues(values, parameterKey)
    case .setParameterAttributes(let changes): setParameterAttributes(changes)
    case .addObject(let path, let parameterKey): object("cwmp:AddObject", path, parameterKey)
    case .deleteObject(let path, let parameterKey): object("cwmp:DeleteObject", path, parameterKey)
    case .download(let arguments): download(arguments)
    case .upload(let arguments): upload(arguments)
    }
  }

  mutating func write(_ response: ACSResponse) {
    switch response {
    case .inform(let maxEnvelopes):
      xml.raw("<cwmp:InformResponse>")
      xml.element("MaxEnvelopes", maxEnvelopes)
      xml.raw("</cwmp:InformResponse>")
    case .getRPCMethods(let methods):
      xml.raw("<cwmp:GetRPCMethodsResponse>")
      strings("MethodList", methods)
      xml.raw("</cwmp:GetRPCMethodsResponse>")
    case .transferComplete: xml.raw("<cwmp:TransferCompleteResponse></cwmp:TransferCompleteResponse>")
    case .autonomousTransferComplete:
      xml.raw("<cwmp:AutonomousTransferCompleteResponse></cwmp:AutonomousTransferCompleteResponse>")
    case .unknown(let method): emptyResponse(method)
    }
  }

  /// SOAP Fault with its CWMP detail (item 172); a MustUnderstand or VersionMismatch fault has none.
  mutating func write(_ fault: CWMPFault) {
    xml.raw("<soap-env:Fault><faultcode>")
    if fault.side == .mustUnderstand || fault.side == .versionMismatch { xml.raw("soap-env:") }
    xml.raw(fault.side.rawValue)
    xml.raw("</faultcode>")
    if fault.side == .mustUnderstand || fault.side == .versionMismatch {
      xml.element("faultstring", fault.string)
    } else {
      xml.raw("<faultstring>CWMP fault</faultstring><detail><cwmp:Fault>")
      xml.element("FaultCode", fault.code)
      xml.element("FaultString", fault.string)
      for parameter in fault.parameters {
        xml.raw("<SetParameterValuesFault>")
        xml.element("ParameterName", parameter.name)
        xml.element("FaultCode", parameter.code)
        xml.element("FaultString", parameter.string)
        xml.raw("</SetParameterValuesFault>")
      }
      xml.raw("</cwmp:Fault></detail>")
    }
    xml.raw("</soap-env:Fault>")
  }

  /// A response without content. The method may come from outside, so only what is a name goes out.
  mutating func emptyResponse(_ method: String) {
    let isName = method.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
    }
    let name = isName ? method : "Unknown"
    xml.raw("<cwmp:\(name)Response></cwmp:\(name)Response>" as String)
  }

  private mutating func setParameterValues(_ values: [ParameterValue], _ parameterKey: String) {
    xml.raw("<cwmp:SetParameterValues>")
    openArray("ParameterList", "cwmp:ParameterValueStruct", count: values.count)
    for value in values { parameter(value) }
    xml.raw("</ParameterList>")
    xml.element("ParameterKey", parameterKey)
    xml.raw("</cwmp:SetParameterValues>")
  }

  /// Notification and AccessList are always there, also where their change flag is false (item 138).
  private mutating func setParameterAttributes(_ changes: [AttributeChange]) {
    xml.raw("<cwmp:SetParameterAttributes>")
    openArray("ParameterList", "cwmp:SetParameterAttributesStruct", count: changes.count)
    for change in changes {
      xml.raw("<SetParameterAttributesStruct>")
      xml.element("Name", change.name)
      element("NotificationChange", change.notification != nil)
      xml.element("Notification", change.notification ?? 0)
      element("AccessListChange", change.accessList != nil)
      strings("AccessList", change.accessList ?? [])
      xml.raw("</SetParameterAttributesStruct>")
    }
    xml.raw("</ParameterList></cwmp:SetParameterAttributes>")
  }

  private mutating func object(_ method: StaticString, _ path: String, _ parameterKey: String) {
    xml.open(method)
    xml.element("ObjectName", path)
    xml.element("ParameterKey", parameterKey)
    xml.close(method)
  }

  private mutating func download(_ arguments: DownloadArguments) {
    xml.raw("<cwmp:Download>")
    xml.element("CommandKey", arguments.commandKey)
    xml.element("FileType", arguments.fileType)
    xml.element("URL", arguments.url)
    xml.element("Username", arguments.username)
    xml.element("Password", arguments.password)
    xml.element("FileSize", arguments.fileSize)
    xml.element("TargetFileName", arguments.targetFileName)
    xml.element("DelaySeconds", arguments.delaySeconds)
    xml.element("SuccessURL", arguments.successURL)
    xml.element("FailureURL", arguments.failureURL)
    xml.raw("</cwmp:Download>")
  }

  private mutating func upload(_ arguments: UploadArguments) {
    xml.raw("<cwmp:Upload>")
    xml.element("CommandKey", arguments.commandKey)
    xml.element("FileType", arguments.fileType)
    xml.element("URL", arguments.url)
    xml.element("Username", arguments.username)
    xml.element("Password", arguments.password)
    xml.element("DelaySeconds", arguments.delaySeconds)
    xml.raw("</cwmp:Upload>")
  }
}
