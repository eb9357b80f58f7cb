/// The names that the parser compares as numbers: elements, attributes, and namespaces at the end. The raw value is the
/// number; 0 is left for every other name.
enum Word: UInt8, CaseIterable {
  case envelope = 1
  case header
  case body
  case fault
  case id
  case holdRequests
  case sessionTimeout
  case sessionTimeoutLowercase
  case supportedCWMPVersions
  case useCWMPVersion
  case noMoreRequests
  case mustUnderstand
  case type
  case parameterList
  case name
  case value
  case writable
  case deviceId
  case manufacturer
  case oui
  case productClass
  case serialNumber
  case event
  case eventStruct
  case eventCode
  case commandKey
  case maxEnvelopes
  case currentTime
  case retryCount
  case faultStruct
  case faultCode
  case faultString
  case soapFaultCode
  case soapFaultString
  case detail
  case setParameterValuesFault
  case parameterName
  case startTime
  case completeTime
  case announceURL
  case transferURL
  case isDownload
  case fileType
  case fileSize
  case targetFileName
  case status
  case instanceNumber
  case methodList
  case notification
  case notificationChange
  case accessList
  case accessListChange
  case parameterNames
  case parameterPath
  case nextLevel
  case parameterKey
  case objectName
  case url
  case username
  case password
  case delaySeconds
  case successURL
  case failureURL
  case soapEnvelope
  case soapEncoding
  case xsd
  case xsi
  case cwmp10
  case cwmp11
  case cwmp12
  case cwmp13
  case cwmp14

  /// The local name, or the namespace's URI.
  var text: String {
    switch self {
    case .envelope: "Envelope"
    case .header: "Header"
    case .body: "Body"
    case .fault: "Fault"
    case .id: "ID"
    case .holdRequests: "HoldRequests"
    case .sessionTimeout: "SessionTimeout"
    case .sessionTimeoutLowercase: "sessionTimeout"
    case .supportedCWMPVersions: "SupportedCWMPVersions"
    case .useCWMPVersion: "UseCWMPVersion"
    case .noMoreRequests: "NoMoreRequests"
    case .mustUnderstand: "mustUnderstand"
    case .type: "type"
    case .parameterList: "ParameterList"
    case .name: "Name"
    case .value: "Value"
    case .writable: "Writable"
    case .deviceId: "DeviceId"
    case .manufacturer: "Manufacturer"
    case .oui: "OUI"
    case .productClass: "ProductClass"
    case .serialNumber: "SerialNumber"
    case .event: "Event"
    case .eventStruct: "EventStruct"
    case .eventCode: "EventCode"
    case .commandKey: "CommandKey"
    case .maxEnvelopes: "MaxEnvelopes"
    case .currentTime: "CurrentTime"
    case .retryCount: "RetryCount"
    case .faultStruct: "FaultStruct"
    case .faultCode: "FaultCode"
    case .faultString: "FaultString"
    case .soapFaultCode: "faultcode"
    case .soapFaultString: "faultstring"
    case .detail: "detail"
    case .setParameterValuesFault: "SetParameterValuesFault"
    case .parameterName: "ParameterName"
    case .startTime: "StartTime"
    case .completeTime: "CompleteTime"
    case .announceURL: "AnnounceURL"
    case .transferURL: "TransferURL"
    case .isDownload: "IsDownload"
    case .fileType: "FileType"
    case .fileSize: "FileSize"
    case .targetFileName: "TargetFileName"
    case .status: "Status"
    case .instanceNumber: "InstanceNumber"
    case .methodList: "MethodList"
    case .notification: "Notification"
    case .notificationChange: "NotificationChange"
    case .accessList: "AccessList"
    case .accessListChange: "AccessListChange"
    case .parameterNames: "ParameterNames"
    case .parameterPath: "ParameterPath"
    case .nextLevel: "NextLevel"
    case .parameterKey: "ParameterKey"
    case .objectName: "ObjectName"
    case .url: "URL"
    case .username: "Username"
    case .password: "Password"
    case .delaySeconds: "DelaySeconds"
    case .successURL: "SuccessURL"
    case .failureURL: "FailureURL"
    case .soapEnvelope: "http://schemas.xmlsoap.org/soap/envelope/"
    case .soapEncoding: "http://schemas.xmlsoap.org/soap/encoding/"
    case .xsd: "http://www.w3.org/2001/XMLSchema"
    case .xsi: "http://www.w3.org/2001/XMLSchema-instance"
    case .cwmp10: "urn:dslforum-org:cwmp-1-0"
    case .cwmp11: "urn:dslforum-org:cwmp-1-1"
    case .cwmp12: "urn:dslforum-org:cwmp-1-2"
    case .cwmp13: "urn:dslforum-org:cwmp-1-3"
    case .cwmp14: "urn:dslforum-org:cwmp-1-4"
    }
  }

  /// The number by which the parser knows the word.
  @inline(__always)
  var number: Int { Int(rawValue) }
}
