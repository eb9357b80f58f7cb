import CWMP
import Testing
import XML

@Suite("What the ACS forgives and refuses")
struct EnvelopeParserTests {
  static let soap = """
    xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0" \
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
    """

  static func envelope(_ body: String, header: String = "<cwmp:ID>7</cwmp:ID>") -> String {
    "<soap-env:Envelope \(soap)><soap-env:Header>\(header)</soap-env:Header>"
      + "<soap-env:Body>\(body)</soap-env:Body></soap-env:Envelope>"
  }

  static let device =
    "<DeviceId><Manufacturer>M</Manufacturer><OUI>00aabb</OUI><ProductClass>P C</ProductClass>"
    + "<SerialNumber> S-1 </SerialNumber></DeviceId>"

  static func inform(_ rest: String = "", header: String = "<cwmp:ID>7</cwmp:ID>") -> String {
    envelope("<cwmp:Inform>\(device)\(rest)</cwmp:Inform>", header: header)
  }

  static func values(_ list: String) -> String {
    envelope(
      "<cwmp:GetParameterValuesResponse><ParameterList>\(list)</ParameterList></cwmp:GetParameterValuesResponse>")
  }

  static func value(_ name: String, _ value: String, _ attribute: String = "xsi:type='xsd:string'") -> String {
    "<ParameterValueStruct><Name>\(name)</Name><Value \(attribute)>\(value)</Value></ParameterValueStruct>"
  }

  private func parse(_ text: String, limits: EnvelopeLimits = EnvelopeLimits()) throws -> Envelope {
    try EnvelopeParser(limits: limits).parse(Array(text.utf8))
  }

  private func parseInform(_ text: String) throws -> Inform {
    guard case .inform(let inform) = try parse(text).message else { throw CWMPError(.invalidArguments, "no Inform") }
    return inform
  }

  private func parseValues(_ text: String, limits: EnvelopeLimits = EnvelopeLimits()) throws -> ParameterList {
    guard case .cpeResponse(.getParameterValues(let list)) = try parse(text, limits: limits).message else {
      throw CWMPError(.invalidArguments, "no values")
    }
    return list
  }

  private func refusal(_ text: String, limits: EnvelopeLimits = EnvelopeLimits()) -> CWMPError? {
    do throws(CWMPError) {
      _ = try EnvelopeParser(limits: limits).parse(Array(text.utf8))
      return nil
    } catch {
      return error
    }
  }
}

// MARK: - Inform

extension EnvelopeParserTests {
  @Test("an Inform may lack everything but its DeviceId (item 94); what is missing is noted")
  func bareInform() throws {
    let envelope = try parse(Self.inform())
    guard case .inform(let inform) = envelope.message else { throw Unexpected() }
    #expect(inform.events.isEmpty && inform.parameters.isEmpty && inform.retryCount == 0)
    #expect(inform.currentTime == .unknown)
    #expect(envelope.notes == [.missingArgument])
  }

  @Test("the identity is trimmed, escaped by bytes, its OUI in upper case, always in three parts (item 80)")
  func identity() throws {
    #expect(try parseInform(Self.inform()).deviceID.canonicalIdentity == "00AABB-P%20C-S%2D1")
    #expect(DeviceID(oui: "0a0b0c", serialNumber: "é/%_z").canonicalIdentity == "0A0B0C--%C3%A9%2F%25_z")
  }

  @Test("arguments may come in any order, with elements that nobody knows (item 56)")
  func anyOrder() throws {
    let inform = try parseInform(
      Self.envelope(
        "<cwmp:Inform><ParameterList>\(Self.value("Device.A", "1"))</ParameterList><RetryCount>1490</RetryCount>"
          + "<Vendor><Name>x</Name></Vendor><Event><EventStruct><CommandKey>k</CommandKey>"
          + "<EventCode> 4 VALUE CHANGE\n</EventCode></EventStruct></Event><DeviceId><WanIPAddress>1</WanIPAddress>"
          + "<SerialNumber>1</SerialNumber><OUI>1</OUI></DeviceId></cwmp:Inform>"))
    #expect(inform.parameters.value(of: "Device.A") == "1")
    #expect(inform.retryCount == 1_490)
    #expect(inform.events == [EventStruct(.valueChange, commandKey: "k")])
  }

  @Test("an EventStruct without EventCode is passed over, unknown codes are kept (items 81 and 82)")
  func oddEvents() throws {
    let envelope = try parse(
      Self.inform(
        "<Event soap-enc='EventStruct[0]'><EventStruct><CommandKey/></EventStruct>"
          + "<EventStruct><EventCode>X 00AABB Odd</EventCode></EventStruct>"
          + "<EventStruct><EventCode>m reboot</EventCode></EventStruct></Event>"))
    guard case .inform(let inform) = envelope.message else { throw Unexpected() }
    #expect(inform.events.map(\.code) == [.other("X 00AABB Odd"), .reboot])
    #expect(envelope.notes.contains(.droppedEvent))
  }

  @Test("without OUI or serial number nobody can be told apart: fault 8003, with the Inform's ID")
  func noIdentity() {
    for device in ["", "<DeviceId/>", "<DeviceId><OUI>00AABB</OUI><SerialNumber> </SerialNumber></DeviceId>"] {
      let error = refusal(Self.envelope("<cwmp:Inform>\(device)</cwmp:Inform>"))
      #expect(error?.kind == .invalidArguments && error?.reply == .fault(.invalidArguments))
      #expect(error?.id == Array("7".utf8))
    }
  }

  @Test("the digest's input is DeviceId and parameters in order, and differs where they differ")
  func digestInput() throws {
    func input(_ inform: Inform) -> [UInt8] {
      var bytes: [UInt8] = []
      inform.digestInput { piece in piece.withUnsafeBufferPointer { bytes.append(contentsOf: $0) } }
      return bytes
    }
    let device = DeviceID(manufacturer: "M", oui: "O", productClass: "", serialNumber: "S")
    let inform = Inform(deviceID: device, events: [], parameters: [ParameterValue("A", "1", type: .int)])
    #expect(input(inform) == Array("M\0O\0\0S\0A\0\u{2}\01\0".utf8))
    var other = inform
    other.parameters = [ParameterValue("A", "1", type: .string)]
    #expect(input(other) != input(inform))
    let many = ParameterList((0..<2_000).map { ParameterValue("Device.X.\($0)", "\($0)") })
    let parsed = try EnvelopeParser().parse(
      CPEEnvelopeWriter().inform(Inform(deviceID: device, events: [], parameters: many), id: nil))
    guard case .inform(let read) = parsed.message else { throw Unexpected() }
    #expect(input(read) == input(Inform(deviceID: device, events: [], parameters: many)))
  }
}

// MARK: - Parameter values

extension EnvelopeParserTests {
  @Test(
    "xsi:type may be missing, unknown, of another prefix or of 1999 (item 46)",
    arguments: [
      ("", ParameterType.string, true), ("xsi:type='xsd:json'", .string, true), ("xsi:type='xsd:'", .string, true),
      ("type='unsignedInt'", .unsignedInt, false), ("xsi:type='q:boolean'", .boolean, false),
      ("xsi:type='soap-enc:base64'", .base64, false), ("xsi:type='xsd:dateTime'", .dateTime, false),
    ] as [(String, ParameterType, Bool)])
  func types(attribute: String, type: ParameterType, isNoted: Bool) throws {
    let envelope = try parse(Self.values(Self.value("A", "1", attribute)))
    guard case .cpeResponse(.getParameterValues(let list)) = envelope.message else { throw Unexpected() }
    #expect(list[0].type == type)
    #expect(envelope.notes.contains(.unknownType) == isNoted)
  }

  @Test(
    "a string's white space is kept byte for byte, other types, names and CDATA's surroundings are trimmed (item 50)")
  func whiteSpace() throws {
    let list = try parseValues(
      Self.values(
        Self.value("  A.B \n", "  two words\n ") + Self.value("C", " 1\n", "xsi:type='xsd:int'")
          + Self.value("D", "<![CDATA[ <x>&]]>") + Self.value("E", " ") + Self.value("F", "")))
    #expect(list.map(\.name) == ["A.B", "C", "D", "E", "F"])
    #expect(list.map(\.value) == ["  two words\n ", "1", " <x>&", " ", ""])
  }

  @Test("a parameter without Value is empty, one without Name is left out and noted")
  func holes() throws {
    let envelope = try parse(
      Self.values("<x><Name>A</Name></x><x><Value>1</Value></x><x/>" + Self.value("B", "2")))
    guard case .cpeResponse(.getParameterValues(let list)) = envelope.message else { throw Unexpected() }
    #expect(list.map(\.name) == ["A", "B"] && list.map(\.value) == ["", "2"])
    #expect(envelope.notes.contains(.droppedParameter))
  }

  @Test("a name above 256 bytes or a value above 64 KiB leaves that parameter out; too many refuse the message")
  func parameterLimits() throws {
    let long = String(repeating: "x", count: 257)
    let large = String(repeating: "y", count: (64 << 10) + 1)
    let list = try parseValues(
      Self.values(Self.value("A", "1") + Self.value(long, "2") + Self.value("B", large) + Self.value("C", "3")))
    #expect(list.map(\.name) == ["A", "C"] && list.map(\.value) == ["1", "3"])
    let limits = EnvelopeLimits(parameters: 2)
    let three = Self.values(Self.value("A", "1") + Self.value("B", "1") + Self.value("C", "1"))
    #expect(refusal(three, limits: limits)?.kind == .tooLarge)
    #expect(refusal(three, limits: limits)?.reply == .status(413))
    #expect(try parseValues(three, limits: EnvelopeLimits(parameters: 3)).count == 3)
  }

  @Test(
    "control characters, invalid bytes and bare ampersands are filtered and noted; all else stays (items 22, 54)"
  )
  func filtered() throws {
    let text = Self.values(Self.value("A", "AT&T \u{1}x") + Self.value("B", "<![CDATA[a&b]]>"))
    let envelope = try parse(text)
    guard case .cpeResponse(.getParameterValues(let list)) = envelope.message else { throw Unexpected() }
    #expect(list.map(\.value) == ["AT&T x", "a&b"])
    #expect(envelope.notes == [.filtered])

    var bytes = Array(Self.values(Self.value("A", "caf@")).utf8)
    bytes[bytes.firstIndex(of: UInt8(ascii: "@")) ?? 0] = 0xE9
    guard case .cpeResponse(.getParameterValues(let replaced)) = try EnvelopeParser().parse(bytes).message else {
      throw Unexpected()
    }
    #expect(replaced[0].value == "caf\u{FFFD}")
    guard
      case .cpeResponse(.getParameterValues(let latin)) = try EnvelopeParser().parse(bytes, charset: .latin1).message
    else { throw Unexpected() }
    #expect(latin[0].value == "café")
  }

  @Test("a filtered pass needs the whole body once more, also when the bytes came in pieces")
  func filteredInPieces() throws {
    let bytes = Array(Self.values(Self.value("A", "x & y") + Self.value("B", "2")).utf8)
    let parser = EnvelopeParser()
    parser.begin()
    for byte in bytes { try parser.feed([byte].span) }
    let envelope = try parser.finish(body: bytes.span)
    guard case .cpeResponse(.getParameterValues(let list)) = envelope.message else { throw Unexpected() }
    #expect(list.map(\.value) == ["x & y", "2"])
  }

  @Test("a bare ampersand is found however far the next semicolon is")
  func lonelyAmpersand() throws {
    let text = "AT&T " + String(repeating: "x", count: 60_000)
    let list = try parseValues(Self.values(Self.value("A", text) + Self.value("B", text)))
    #expect(list.map(\.value) == [text, text])
  }

  @Test("50,000 parameters are read, one more is refused")
  func most() throws {
    let list = ParameterList(
      (0..<50_000).map { ParameterValue("Device.Table.\($0).Value", "\($0)", type: .unsignedInt) })
    let response = CPEEnvelopeWriter().response(.getParameterValues(list), id: nil)
    #expect(try EnvelopeParser().parse(response).message == .cpeResponse(.getParameterValues(list)))
    var more = list
    more.append(ParameterValue("One", "more"))
    let error = #expect(throws: CWMPError.self) {
      try EnvelopeParser().parse(CPEEnvelopeWriter().response(.getParameterValues(more), id: nil))
    }
    #expect(error?.kind == .tooLarge)
  }
}

// MARK: - The envelope

extension EnvelopeParserTests {
  @Test(
    "the session's namespace is the RPC's, whatever number it has (items 32 and 33)",
    arguments: [
      ("urn:dslforum-org:cwmp-1-0", 0, 0), ("urn:dslforum-org:cwmp-1-4", 4, 4), ("urn:dslforum-org:cwmp-1-9", 9, 4),
    ])
  func namespaces(uri: String, minor: UInt8, effective: UInt8) throws {
    let text = Self.inform().replacing("urn:dslforum-org:cwmp-1-0", with: uri)
    let namespace = try parse(text).namespace
    #expect(namespace.minor == minor && namespace.effectiveMinor == effective && namespace.uri == uri)
  }

  @Test("an RPC in no CWMP namespace is read by its local name, and noted (item 30)")
  func foreignNamespace() throws {
    let envelope = try parse(Self.inform().replacing("cwmp:Inform", with: "x:Inform"))
    #expect(envelope.method == "Inform" && envelope.notes.contains(.foreignNamespace))
    #expect(envelope.namespace == .cwmp10)
    let bare = "<Envelope><Body><Inform>\(Self.device)</Inform></Body></Envelope>"
    #expect(try parse(bare).notes.isSuperset(of: [.foreignNamespace, .foreignEnvelope, .missingID]))
  }

  @Test("the ID is copied byte for byte; a missing or blank one is none (items 34 and 35)")
  func ids() throws {
    #expect(try parse(Self.inform(header: "<cwmp:ID> a b </cwmp:ID>")).id == Array(" a b ".utf8))
    #expect(try parse(Self.inform(header: "<cwmp:ID> a b </cwmp:ID>")).idText == "a b")
    for header in ["", "<cwmp:ID/>", "<cwmp:ID> </cwmp:ID>"] {
      let envelope = try parse(Self.inform(header: header))
      #expect(envelope.id == nil && envelope.notes.contains(.missingID))
    }
  }

  @Test("header blocks: SessionTimeout in either case, versions, HoldRequests, NoMoreRequests (items 39, 41, 42)")
  func headers() throws {
    let envelope = try parse(
      Self.inform(
        header: "<cwmp:ID soap-env:mustUnderstand='1'>1</cwmp:ID><cwmp:sessionTimeout>60</cwmp:sessionTimeout>"
          + "<cwmp:SupportedCWMPVersions soap-env:mustUnderstand='0'>1.0, 1.2,1.4</cwmp:SupportedCWMPVersions>"
          + "<cwmp:HoldRequests>true</cwmp:HoldRequests><cwmp:NoMoreRequests>1</cwmp:NoMoreRequests>"))
    #expect(envelope.header.sessionTimeout == 60)
    let patient = try parse(Self.inform(header: "<cwmp:SessionTimeout>4000000000</cwmp:SessionTimeout>"))
    #expect(patient.header.sessionTimeout == 3_600)
    #expect(CWMPVersion.common(with: envelope.header.supportedVersions)?.description == "1.4")
    #expect(envelope.header.holdRequests == true)
    #expect(envelope.notes.contains(.noMoreRequests))
  }

  @Test("an Inform whose versions are all unknown gets fault 8006 (item 43)")
  func versions() {
    let header = "<cwmp:SupportedCWMPVersions>2.0,3.1</cwmp:SupportedCWMPVersions>"
    let error = refusal(Self.inform(header: header))
    #expect(error?.kind == .versionIncompatible && error?.reply == .fault(.versionIncompatible))
  }

  @Test("an unknown header block with mustUnderstand 1 is a MustUnderstand fault (item 38)")
  func mustUnderstand() throws {
    let header = "<x:Odd xmlns:x='urn:x' soap-env:mustUnderstand='1'/><x:Fine soap-env:mustUnderstand='0'/>"
    let error = refusal(Self.inform(header: header))
    guard case .fault(let fault) = error?.reply else { throw Unexpected() }
    #expect(fault.side == .mustUnderstand && fault.string.contains("Odd") && !fault.string.contains("Fine"))
  }

  @Test(
    "what is no SOAP message is refused with a reason and a status (items 28, 53, 57)",
    arguments: [
      ("", CWMPError.Kind.notXML, 400), ("hello", .notXML, 400), ("<html><body/></html>", .notSOAP, 400),
      ("<!DOCTYPE x [<!ENTITY a 'b'>]><Envelope/>", .notXML, 400), ("<Envelope/>", .emptyBody, 400),
      ("<Envelope><Body/></Envelope>", .emptyBody, 400),
      ("<Envelope><Body><Reboot/><Reboot/></Body></Envelope>", .severalMessages, 400),
      ("<Envelope><Body><Inform></Body></Envelope>", .notXML, 400),
      (String(repeating: "<Envelope>", count: 300), .tooLarge, 400),
    ])
  func refused(text: String, kind: CWMPError.Kind, status: Int) {
    let error = refusal(text)
    #expect(error?.kind == kind && error?.reply == .status(status))
  }

  @Test("a body above the limit is refused with 413 while it arrives (item 25)")
  func tooLarge() throws {
    let parser = EnvelopeParser(limits: EnvelopeLimits(xml: XMLLimits(bytes: 100)))
    parser.begin()
    let piece = [UInt8](repeating: 0x20, count: 60)
    try parser.feed(piece.span)
    let error = #expect(throws: CWMPError.self) { try parser.feed(piece.span) }
    #expect(error?.reply == .status(413))
  }

  @Test("after a refusal the parser reads the next message")
  func nextMessage() throws {
    let parser = EnvelopeParser()
    for broken in ["<Envelope><Body><a/><b/></Body></Envelope>", "<!DOCTYPE a><a/>", Self.values(Self.value("A", "&"))]
    {
      _ = try? parser.parse(Array(broken.utf8))
      #expect(try parser.parse(Array(Self.inform().utf8)).method == "Inform")
    }
  }

  @Test("an unknown request and an unknown response keep their names (items 74 and 75)")
  func unknownMethods() throws {
    #expect(try parse(Self.envelope("<cwmp:Kicked/>")).message == .cpeRequest(.unknown(method: "Kicked")))
    #expect(try parse(Self.envelope("<cwmp:OddResponse/>")).message == .cpeResponse(.unknown(method: "Odd")))
  }

  @Test("a fault is found without detail, without prefixes and wherever its FaultCode lies (items 65 and 174)")
  func faults() throws {
    func fault(_ text: String) throws -> CWMPFault? {
      guard case .fault(let fault) = try parse(Self.envelope(text)).message else { return nil }
      return fault
    }
    let bare = try fault("<Fault><faultcode>x:Server</faultcode><faultstring>no</faultstring></Fault>")
    #expect(bare == CWMPFault(code: 0, string: "no", side: .server))
    let flat = try fault("<soap-env:Fault><detail><FaultCode> 9800 </FaultCode></detail></soap-env:Fault>")
    #expect(flat?.code == 9_800)
  }
}
