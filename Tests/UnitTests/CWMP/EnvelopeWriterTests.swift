import CWMP
import Testing

@Suite("What goes out")
struct EnvelopeWriterTests {
  private let writer = EnvelopeWriter(namespace: .cwmp12)

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private func body(_ request: CWMPRequest, dialect: Dialect = []) -> String {
    let whole = text(EnvelopeWriter(namespace: .cwmp12, dialect: dialect).request(request, id: "1"))
    guard let start = whole.firstRange(of: "<soap-env:Body>"), let end = whole.firstRange(of: "</soap-env:Body>") else {
      return ""
    }
    return String(whole[start.upperBound..<end.lowerBound])
  }

  static let requests: [CWMPRequest] = [
    .getRPCMethods, .getParameterNames(path: "Device.", nextLevel: true),
    .getParameterValues(names: ["Device.", "A&B"]),
    .getParameterAttributes(names: []),
    .setParameterValues(
      [
        ParameterValue("Device.A", "x < \"y\" & 'é'"), ParameterValue("Device.B", "1", type: .boolean),
        ParameterValue("Device.C", "2026-11-23T01:02:03Z", type: .dateTime),
        ParameterValue("Device.D", "AAEC", type: .base64),
      ], parameterKey: "key"),
    .setParameterAttributes([
      AttributeChange("Device.A", notification: 2), AttributeChange("Device.B", accessList: ["Subscriber"]),
    ]),
    .addObject(path: "Device.T.", parameterKey: ""), .deleteObject(path: "Device.T.1.", parameterKey: "k"),
    .reboot(commandKey: "c"), .factoryReset,
    .download(
      DownloadArguments(
        commandKey: "c", fileType: "1 Firmware Upgrade Image", url: "http://x/y?a=1&b=2", username: "u",
        password: "<p>",
        fileSize: 10, targetFileName: "f", delaySeconds: 3)),
    .upload(UploadArguments(commandKey: "c", fileType: "4 Vendor Log File 1", url: "http://x/")),
    .scheduleInform(delaySeconds: 5, commandKey: "c"),
  ]

  @Test("a CPE reads each request as it was meant, in every dialect", arguments: requests)
  func roundTrip(request: CWMPRequest) throws {
    for dialect in [Dialect(), .wordBooleans] {
      let bytes = EnvelopeWriter(namespace: .cwmp12, dialect: dialect).request(request, id: "id-1", holdRequests: false)
      let envelope = try EnvelopeParser(side: .cpe).parse(bytes)
      var expected = request
      if case .setParameterValues(var values, let key) = request, dialect.contains(.wordBooleans) {
        values[1].value = "true"
        expected = .setParameterValues(values, parameterKey: key)
      }
      #expect(envelope.message == .acsRequest(expected))
      #expect(envelope.idText == "id-1" && envelope.namespace == .cwmp12 && envelope.header.holdRequests == false)
    }
  }

  @Test("begins with the declaration and declares its five prefixes on the Envelope (items 31 and 52)")
  func frame() {
    let whole = text(writer.informResponse(id: Array("7".utf8)))
    #expect(whole.hasPrefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap-env:Envelope "))
    for prefix in ["soap-env", "soap-enc", "xsd", "xsi", "cwmp"] { #expect(whole.contains("xmlns:\(prefix)=\"")) }
    #expect(whole.contains("<cwmp:ID soap-env:mustUnderstand=\"1\">7</cwmp:ID>"))
    #expect(whole.contains("<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"))
  }

  @Test("an Inform's ID comes back unchanged, none where there was none (items 34 and 35)")
  func ids() throws {
    let id = Array(" a&<é ".utf8)
    #expect(try EnvelopeParser(side: .cpe).parse(writer.informResponse(id: id)).id == id)
    #expect(!text(writer.informResponse(id: nil)).contains("cwmp:ID"))
  }

  @Test("UseCWMPVersion is sent only when asked, with mustUnderstand 1 (items 37 and 42)")
  func useVersion() {
    let version = CWMPVersion(major: 1, minor: 4)
    #expect(
      text(writer.informResponse(id: nil, useVersion: version))
        .contains("<cwmp:UseCWMPVersion soap-env:mustUnderstand=\"1\">1.4</cwmp:UseCWMPVersion>"))
    #expect(!text(writer.informResponse(id: nil)).contains("UseCWMPVersion"))
  }

  @Test("array counts are exact, also of empty lists (item 44)")
  func arrays() {
    #expect(body(.getParameterValues(names: ["a", "b"])).contains("soap-enc:arrayType=\"xsd:string[2]\""))
    #expect(
      body(.setParameterValues([], parameterKey: "")).contains("soap-enc:arrayType=\"cwmp:ParameterValueStruct[0]\""))
    #expect(
      body(.setParameterAttributes([AttributeChange("a", notification: 1)]))
        == "<cwmp:SetParameterAttributes><ParameterList soap-enc:arrayType=\"cwmp:SetParameterAttributesStruct[1]\">"
        + "<SetParameterAttributesStruct><Name>a</Name><NotificationChange>1</NotificationChange>"
        + "<Notification>1</Notification><AccessListChange>0</AccessListChange>"
        + "<AccessList soap-enc:arrayType=\"xsd:string[0]\"></AccessList></SetParameterAttributesStruct>"
        + "</ParameterList></cwmp:SetParameterAttributes>")
  }

  @Test("every Value has its xsi:type (item 45); only the RPC's element is qualified (item 29)")
  func types() {
    let set = body(
      .setParameterValues(
        [ParameterValue("A", "5", type: .unsignedInt), ParameterValue("B", "AA==", type: .base64)], parameterKey: "k"))
    #expect(set.contains("<Value xsi:type=\"xsd:unsignedInt\">5</Value>"))
    #expect(set.contains("<Value xsi:type=\"soap-enc:base64\">AA==</Value>"))
    #expect(set.contains("</ParameterList><ParameterKey>k</ParameterKey>"))
  }

  @Test("Download sends its ten arguments in the schema's order, the unused ones empty (item 147)")
  func download() {
    #expect(
      body(.download(DownloadArguments(commandKey: "c", fileType: "1 Firmware Upgrade Image", url: "http://x/?a&b")))
        == "<cwmp:Download><CommandKey>c</CommandKey><FileType>1 Firmware Upgrade Image</FileType>"
        + "<URL>http://x/?a&amp;b</URL><Username></Username><Password></Password><FileSize>0</FileSize>"
        + "<TargetFileName></TargetFileName><DelaySeconds>0</DelaySeconds><SuccessURL></SuccessURL>"
        + "<FailureURL></FailureURL></cwmp:Download>")
  }

  @Test("booleans go out as 1 and 0, as words in that dialect, also NextLevel (item 47)")
  func booleans() {
    let names = CWMPRequest.getParameterNames(path: "", nextLevel: true)
    #expect(body(names).contains("<NextLevel>1</NextLevel>"))
    #expect(body(names, dialect: .wordBooleans).contains("<NextLevel>true</NextLevel>"))
    let set = CWMPRequest.setParameterValues([ParameterValue("A", "TRUE", type: .boolean)], parameterKey: "")
    #expect(body(set).contains(">1</Value>") && body(set, dialect: .wordBooleans).contains(">true</Value>"))
  }

  @Test("a dateTime goes out in UTC without a fraction, with milliseconds in that dialect (item 48)")
  func dateTimes() {
    let set = CWMPRequest.setParameterValues(
      [ParameterValue("A", "2026-11-23T10:00:00.25+01:00", type: .dateTime)], parameterKey: "")
    #expect(body(set).contains(">2026-11-23T09:00:00Z</Value>"))
    #expect(body(set, dialect: .dateTimeMilliseconds).contains(">2026-11-23T09:00:00.250Z</Value>"))
  }

  @Test("GetRPCMethods is answered with exactly what is accepted, an unknown method with 8000 (items 74 and 120)")
  func responses() throws {
    let methods = writer.response(to: .getRPCMethods, id: nil)
    #expect(
      try EnvelopeParser(side: .cpe).parse(methods).message
        == .acsResponse(.getRPCMethods(["Inform", "GetRPCMethods", "TransferComplete", "AutonomousTransferComplete"])))
    let fault = try EnvelopeParser(side: .cpe).parse(writer.response(to: .unknown(method: "Kicked"), id: nil))
    #expect(fault.message == .fault(.methodNotSupported))
  }

  @Test("each transfer message gets the response of its own name (item 152)")
  func transferResponses() throws {
    let complete = TransferComplete(commandKey: "")
    let autonomous = AutonomousTransferComplete(transferURL: "http://x", isDownload: true, fileType: "2 Web Content")
    let parser = EnvelopeParser(side: .cpe)
    #expect(
      try parser.parse(writer.response(to: .transferComplete(complete), id: nil)).message
        == .acsResponse(.transferComplete))
    #expect(
      try parser.parse(writer.response(to: .autonomousTransferComplete(autonomous), id: nil)).message
        == .acsResponse(.autonomousTransferComplete))
  }

  @Test("a fault has SOAP's form with the CWMP detail; 8003 is the client's (items 172 and 173)")
  func faults() {
    let whole = text(writer.fault(.invalidArguments, id: nil))
    #expect(
      whole.contains(
        "<soap-env:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>"
          + "<FaultCode>8003</FaultCode><FaultString>Invalid arguments</FaultString></cwmp:Fault></detail>"
          + "</soap-env:Fault>"
      ))
    #expect(text(writer.fault(.retryRequest, id: nil)).contains("<faultcode>Server</faultcode>"))
    let soap = CWMPFault(code: 0, string: "header not understood: X", side: .mustUnderstand)
    #expect(text(writer.fault(soap, id: nil)).contains("<faultcode>soap-env:MustUnderstand</faultcode>"))
  }
}
