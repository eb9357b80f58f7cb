import CWMP
import Testing

@Suite("What a simulated CPE sends")
struct CPEEnvelopeWriterTests {
  private let writer = CPEEnvelopeWriter(namespace: CWMPNamespace(minor: 4))

  static let responses: [CPEResponse] = [
    .getRPCMethods(["GetRPCMethods", "Reboot"]),
    .getParameterNames([ParameterInfo("Device.", writable: false), ParameterInfo("Device.A", writable: true)]),
    .getParameterValues([ParameterValue("Device.A", " x ", type: .string), ParameterValue("B", "1", type: .boolean)]),
    .getParameterAttributes([ParameterAttributes("Device.A", notification: 2, accessList: ["Subscriber"])]),
    .setParameterValues(status: 1), .setParameterAttributes, .addObject(instanceNumber: 7, status: 0),
    .deleteObject(status: 0), .reboot, .factoryReset, .download(TransferStatus(status: 1)),
    .upload(
      TransferStatus(
        status: 0, startTime: DateTimeText("2026-11-23T00:00:00Z"), completeTime: .infinite)),
    .scheduleInform, .unknown(method: "Odd"),
  ]

  @Test("the ACS reads each response as it was meant", arguments: responses)
  func roundTrip(response: CPEResponse) throws {
    let envelope = try EnvelopeParser().parse(writer.response(response, id: Array("x".utf8)))
    #expect(envelope.message == .cpeResponse(response))
    #expect(envelope.notes.isEmpty && envelope.idText == "x" && envelope.namespace.minor == 4)
  }

  @Test("an Inform comes back whole, with its header blocks")
  func inform() throws {
    let inform = Inform(
      deviceID: DeviceID(manufacturer: "M & N", oui: "00AABB", productClass: "", serialNumber: "1"),
      events: [EventStruct(.bootstrap), EventStruct(.download, commandKey: "k"), EventStruct(.other("X 00AABB E"))],
      currentTime: DateTimeText("2026-11-23T00:00:00Z"), retryCount: 3,
      parameters: [ParameterValue("Device.A", "é < \u{1F514}")])
    let versions = CWMPVersion.list("1.0,1.4")
    let bytes = writer.inform(inform, id: "9", sessionTimeout: 45, supportedVersions: versions)
    let envelope = try EnvelopeParser().parse(bytes)
    #expect(envelope.message == .inform(inform) && envelope.notes.isEmpty)
    #expect(envelope.header.sessionTimeout == 45 && envelope.header.supportedVersions == versions)
  }

  @Test("requests and faults come back whole (items 132, 151, 153)")
  func requests() throws {
    let fault = TransferFault(code: 9_016, string: "unable to access file")
    let requests: [CPERequest] = [
      .getRPCMethods, .transferComplete(TransferComplete(commandKey: "k", fault: fault)),
      .autonomousTransferComplete(
        AutonomousTransferComplete(
          announceURL: "a", transferURL: "b", isDownload: true, fileType: "1 Firmware Upgrade Image", fileSize: 1 << 33,
          targetFileName: "f", fault: fault, startTime: .unknown, completeTime: .infinite)),
      .unknown(method: "RequestDownload"),
    ]
    for request in requests {
      #expect(try EnvelopeParser().parse(writer.request(request, id: nil)).message == .cpeRequest(request))
    }
    let setFault = CWMPFault(
      code: 9_003, string: "Invalid arguments",
      parameters: [CWMPFault.Parameter(name: "Device.A", code: 9_007, string: "Invalid parameter value")])
    #expect(try EnvelopeParser().parse(writer.fault(setFault, id: nil)).message == .fault(setFault))
  }
}
