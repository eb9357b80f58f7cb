import CWMP
import Testing
import XML

/// Messages/EXPECTED.tsv says what another XML parser found in each file.
@Suite("Messages of real CPEs")
struct SampleMessagesTests {
  struct Row: CustomTestStringConvertible {
    let file, element, id, minor, entries, detail, lastEntry: String
    var testDescription: String { file }
  }

  static let rows: [Row] = String(decoding: SampleMessages.bytes("EXPECTED.tsv"), as: UTF8.self)
    .split(separator: "\n").dropFirst().map { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return Row(
        file: columns[0], element: columns[1], id: columns[2], minor: columns[3], entries: columns[4],
        detail: columns[5], lastEntry: columns[6])
    }

  @Test("there are as many as were gathered")
  func count() {
    #expect(Self.rows.count == 94)
  }

  @Test("each reads as what it is", arguments: rows)
  func reads(row: Row) throws {
    let envelope = try EnvelopeParser().parse(SampleMessages.bytes(row.file))
    #expect(element(of: envelope) == row.element)
    #expect(envelope.idText ?? "-" == row.id)
    #expect("\(envelope.namespace.minor)" == row.minor)
    let entries = entries(of: envelope)
    // Two lists hold an entry without a Name or none at all; the table counts elements.
    #expect(entries.count == Int(row.entries) ?? -1)
    #expect(entries.last ?? "-" == row.lastEntry)
    switch envelope.message {
    case .inform(let inform): #expect(inform.events.map(\.code.description).joined(separator: ",") == row.detail)
    case .fault(let fault): #expect("\(fault.code)" == row.detail)
    default: break
    }
  }

  @Test(
    "an Inform and a list read the same wherever they are cut",
    arguments: ["001-dpavlin-6718-Inform.xml", "016-dpavlin-GetParameterValuesResponse.xml"])
  func everyCut(file: String) throws {
    let bytes = SampleMessages.bytes(file)
    let parser = EnvelopeParser()
    let whole = try parser.parse(bytes)
    for cut in 0...bytes.count {
      let (head, tail) = (Array(bytes[..<cut]), Array(bytes[cut...]))
      parser.begin()
      try parser.feed(head.span)
      try parser.feed(tail.span)
      let envelope = try parser.finish(body: bytes.span)
      #expect(envelope.message == whole.message && envelope.id == whole.id, "cut at \(cut)")
    }
  }

  @Test(
    "cut off anywhere before its last tag, a message is refused with 400 (item 57)",
    arguments: ["001-dpavlin-6718-Inform.xml", "i12-SPVFault-multiple-params.xml"])
  func truncated(file: String) {
    var bytes = SampleMessages.bytes(file)
    while bytes.last != UInt8(ascii: ">") { bytes.removeLast() }
    let parser = EnvelopeParser()
    for count in 0..<bytes.count {
      let error = #expect(throws: CWMPError.self, "cut at \(count)") { try parser.parse(Array(bytes[..<count])) }
      #expect(error?.reply == .status(400))
    }
  }

  @Test("ISO-8859-1 comes from Content-Type (h01, item 22)")
  func thomson() throws {
    let envelope = try EnvelopeParser().parse(
      unchunked(SampleMessages.bytes("h01-Thomson-http-chunked.raw")), charset: .latin1)
    guard case .inform(let inform) = envelope.message else { throw Unexpected() }
    #expect(inform.deviceID.canonicalIdentity == "00147F-SpeedTouch%20780-CP0644JTHJ4")
    #expect(inform.parameters.map(\.name).contains("InternetGatewayDevice.DeviceInfo.HardwareVersion"))
    #expect(inform.parameters.last == ParameterValue(".ExternalIPAddress", "192.168.1.254"))
  }

  @Test("every parameter fault of a SetParameterValues is kept (i12, item 132)")
  func parameterFaults() throws {
    let envelope = try EnvelopeParser().parse(SampleMessages.bytes("i12-SPVFault-multiple-params.xml"))
    guard case .fault(let fault) = envelope.message else { throw Unexpected() }
    #expect(fault.code == 9003 && fault.side == .client && fault.string == "Invalid Arguments")
    #expect(fault.parameters.map(\.code) == [9007, 9007, 9007])
    #expect(fault.parameters[1].name == "Device.X_M0000C.PTPMasterg82651.LeaseLimit")
  }

  /// The body of an HTTP request in chunks: after the blank line, the lines' contents without those of hexadecimal
  /// digits only, which are the chunks' lengths.
  private func unchunked(_ request: [UInt8]) -> [UInt8] {
    var lines = request.filter { $0 != 13 }.split(separator: 10, omittingEmptySubsequences: false)
    while lines.first?.isEmpty == false { lines.removeFirst() }
    var body: [UInt8] = []
    var isAfterLength = true
    for line in lines.dropFirst() {
      if !line.isEmpty, Int(String(decoding: line, as: UTF8.self), radix: 16) != nil {
        isAfterLength = true
      } else {
        if !isAfterLength { body.append(10) }
        body += line
        isAfterLength = false
      }
    }
    return body
  }

  private func element(of envelope: Envelope) -> String {
    if case .cpeResponse = envelope.message { return envelope.method + "Response" }
    return envelope.method
  }

  private func entries(of envelope: Envelope) -> [String] {
    switch envelope.message {
    case .inform(let inform): inform.parameters.map(\.name)
    case .cpeResponse(.getParameterValues(let list)): list.map(\.name)
    case .cpeResponse(.getParameterNames(let list)): list.map(\.name)
    case .cpeResponse(.getParameterAttributes(let list)): list.map(\.name)
    default: []
    }
  }
}
