import XML

extension EnvelopeFrame {
  mutating func write(_ inform: Inform) {
    xml.raw("<cwmp:Inform><DeviceId>")
    xml.element("Manufacturer", inform.deviceID.manufacturer)
    xml.element("OUI", inform.deviceID.oui)
    xml.element("ProductClass", inform.deviceID.productClass)
    xml.element("SerialNumber", inform.deviceID.serialNumber)
    xml.raw("</DeviceId>")
    openArray("Event", "cwmp:EventStruct", count: inform.events.count)
    for event in inform.events {
      xml.raw("<EventStruct>")
      xml.element("EventCode", event.code.description)
      xml.element("CommandKey", event.commandKey)
      xml.raw("</EventStruct>")
    }
    xml.raw("</Event>")
    xml.element("MaxEnvelopes", inform.maxEnvelopes)
    element("CurrentTime", inform.currentTime)
    xml.element("RetryCount", inform.retryCount)
    parameters(inform.parameters)
    xml.raw("</cwmp:Inform>")
  }

  mutating func write(_ request: CPERequest) {
    switch request {
    case .getRPCMethods: xml.raw("<cwmp:GetRPCMethods></cwmp:GetRPCMethods>")
    case .transferComplete(let message):
      xml.raw("<cwmp:TransferComplete>")
      xml.element("CommandKey", message.commandKey)
      write(message.fault)
      element("StartTime", message.startTime)
      element("CompleteTime", message.completeTime)
      xml.raw("</cwmp:TransferComplete>")
    case .autonomousTransferComplete(let message):
      xml.raw("<cwmp:AutonomousTransferComplete>")
      xml.element("AnnounceURL", message.announceURL)
      xml.element("TransferURL", message.transferURL)
      element("IsDownload", message.isDownload)
      xml.element("FileType", message.fileType)
      xml.element("FileSize", message.fileSize)
      xml.element("TargetFileName", message.targetFileName)
      write(message.fault)
      element("StartTime", message.startTime)
      element("CompleteTime", message.completeTime)
      xml.raw("</cwmp:AutonomousTransferComplete>")
    case .unknown(let method): xml.raw("<cwmp:\(method)></cwmp:\(method)>" as String)
    }
  }

  mutating func write(_ response: CPEResponse) {
    switch response {
    case .getRPCMethods(let methods):
      xml.raw("<cwmp:GetRPCMethodsResponse>")
      strings("MethodList", methods)
      xml.raw("</cwmp:GetRPCMethodsResponse>")
    case .getParameterNames(let names):
      xml.raw("<cwmp:GetParameterNamesResponse>")
      openArray("ParameterList", "cwmp:ParameterInfoStruct", count: names.count)
      for info in names {
        xml.raw("<ParameterInfoStruct>")
        xml.element("Name", info.name)
        element("Writable", info.writable)
        xml.raw("</ParameterInfoStruct>")
      }
      xml.raw("</ParameterList></cwmp:GetParameterNamesResponse>")
    case .getParameterValues(let values):
      xml.raw("<cwmp:GetParameterValuesResponse>")
      parameters(values)
      xml.raw("</cwmp:GetParameterValuesResponse>")
    case .getParameterAttributes(let attributes): write(attributes)
    case .setParameterValues(let status): statusResponse("cwmp:SetParameterValuesResponse", status)
    case .deleteObject(let status): statusResponse("cwmp:DeleteObjectResponse", status)
    case .addObject(let instanceNumber, let status):
      xml.raw("<cwmp:AddObjectResponse>")
      xml.element("InstanceNumber", instanceNumber)
      xml.element("Status", status)
      xml.raw("</cwmp:AddObjectResponse>")
    case .download(let status): write(status, in: "cwmp:DownloadResponse")
    case .upload(let status): write(status, in: "cwmp:UploadResponse")
    case .setParameterAttributes, .reboot, .factoryReset, .scheduleInform, .unknown: emptyResponse(response.method)
    }
  }

  private mutating func parameters(_ list: ParameterList) {
    openArray("ParameterList", "cwmp:ParameterValueStruct", count: list.count)
    for value in list { parameter(value) }
    xml.raw("</ParameterList>")
  }

  private mutating func write(_ fault: TransferFault) {
    xml.raw("<FaultStruct>")
    xml.element("FaultCode", fault.code)
    xml.element("FaultString", fault.string)
    xml.raw("</FaultStruct>")
  }

  private mutating func write(_ attributes: [ParameterAttributes]) {
    xml.raw("<cwmp:GetParameterAttributesResponse>")
    openArray("ParameterList", "cwmp:ParameterAttributeStruct", count: attributes.count)
    for entry in attributes {
      xml.raw("<ParameterAttributeStruct>")
      xml.element("Name", entry.name)
      xml.element("Notification", entry.notification)
      strings("AccessList", entry.accessList)
      xml.raw("</ParameterAttributeStruct>")
    }
    xml.raw("</ParameterList></cwmp:GetParameterAttributesResponse>")
  }

  private mutating func statusResponse(_ name: StaticString, _ status: Int) {
    xml.open(name)
    xml.element("Status", status)
    xml.close(name)
  }

  private mutating func write(_ status: TransferStatus, in name: StaticString) {
    xml.open(name)
    xml.element("Status", status.status)
    element("StartTime", status.startTime)
    element("CompleteTime", status.completeTime)
    xml.close(name)
  }
}
