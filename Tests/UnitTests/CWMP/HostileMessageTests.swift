import CWMP
import Testing

/// What one message may cost, whoever sends it (promise P7). How long the worst of 16 MiB take is measured by
/// `scripts/bench xml`.
@Suite("Messages that go on for ever")
struct HostileMessageTests {
  private let parser = EnvelopeParser()

  private func parse(_ text: String) throws(CWMPError) -> Envelope { try parser.parse(Array(text.utf8)) }

  private func refusal(_ text: String) -> CWMPError? {
    do throws(CWMPError) {
      _ = try parse(text)
      return nil
    } catch {
      return error
    }
  }

  private func inform(_ rest: String = "", header: String = "") -> String {
    EnvelopeParserTests.inform(rest, header: header)
  }

  @Test("a text other than a parameter's value is cut at 4 KiB, between two characters, and noted")
  func longText() throws {
    let words = "<FaultString>a" + String(repeating: "é", count: 100_000) + "</FaultString>"
    let envelope = try parse(
      EnvelopeParserTests.envelope("<Fault><detail><Fault><FaultCode>9001</FaultCode>\(words)</Fault></detail></Fault>")
    )
    guard case .fault(let fault) = envelope.message else { throw Unexpected() }
    #expect(fault.code == 9_001 && fault.string == "a" + String(repeating: "é", count: 2_047))
    #expect(envelope.notes.contains(.cutText))
    let value = String(repeating: "é", count: 30_000)
    let values = try parse(EnvelopeParserTests.values(EnvelopeParserTests.value("A", value)))
    guard case .cpeResponse(.getParameterValues(let list)) = values.message else { throw Unexpected() }
    #expect(list.value(at: 0) == value && !values.notes.contains(.cutText))
  }

  @Test("what becomes headers of a record stays short: codes of events, their keys, the message's name")
  func eventCodes() throws {
    let long = String(repeating: "é", count: 100_000)
    let event = "<EventStruct><EventCode>M \(long)</EventCode><CommandKey>\(long)</CommandKey></EventStruct>"
    let envelope = try parse(inform("<Event>\(event)<EventStruct><EventCode>1 boot</EventCode></EventStruct></Event>"))
    guard case .inform(let inform) = envelope.message else { throw Unexpected() }
    #expect(inform.events.map(\.code) == [.other("M " + String(repeating: "é", count: 31)), .boot])
    #expect(inform.events[0].commandKey == String(repeating: "é", count: 64))
    #expect(envelope.notes.contains(.cutText))
    let name = String(repeating: "M", count: 65)
    #expect(refusal(EnvelopeParserTests.envelope("<cwmp:\(name)/>"))?.kind == .tooLarge)
  }

  @Test("event codes are told apart by bytes: letters of other alphabets are none of ASCII's")
  func eventCase() {
    #expect(EventCode("m rEBOOT") == .reboot && EventCode("M Reboot ") == .reboot)
    #expect(EventCode("2 PERİODIC") == .other("2 PERİODIC") && EventCode("0 BOOTSTRAPS") == .other("0 BOOTSTRAPS"))
  }

  @Test("of a list of versions the first 32 count; more than 64 header blocks refuse the message")
  func headers() throws {
    let versions = String(repeating: "1.2,", count: 100_000)
    let listed = try parse(inform(header: "<cwmp:SupportedCWMPVersions>\(versions)</cwmp:SupportedCWMPVersions>"))
    #expect(listed.header.supportedVersions == Array(repeating: CWMPVersion(major: 1, minor: 2), count: 32))
    let block = "<x soap-env:mustUnderstand='1'/>"
    let error = refusal(inform(header: String(repeating: block, count: 64)))
    guard case .fault(let fault) = error?.reply else { throw Unexpected() }
    #expect(fault.side == .mustUnderstand)
    #expect(refusal(inform(header: String(repeating: block, count: 65)))?.kind == .tooLarge)
  }

  @Test("lists without a table of their own are bounded too: methods, attributes, faults of parameters")
  func lists() throws {
    let methods = String(repeating: "<string>Reboot</string>", count: 1_000)
    let list = try parse(
      EnvelopeParserTests.envelope(
        "<cwmp:GetRPCMethodsResponse><MethodList>\(methods)</MethodList></cwmp:GetRPCMethodsResponse>"))
    guard case .cpeResponse(.getRPCMethods(let names)) = list.message else { throw Unexpected() }
    #expect(names.count == 256)
    let attributes = String(repeating: "<P><Name>A</Name></P>", count: 50_001)
    let response = "<cwmp:GetParameterAttributesResponse><ParameterList>\(attributes)</ParameterList>"
    let error = refusal(EnvelopeParserTests.envelope(response + "</cwmp:GetParameterAttributesResponse>"))
    #expect(error?.reply == .status(413))
    let one = "<SetParameterValuesFault><ParameterName>A</ParameterName></SetParameterValuesFault>"
    let faults = "<FaultCode>9003</FaultCode>" + String(repeating: one, count: 1_000)
    let envelope = try parse(EnvelopeParserTests.envelope("<Fault><detail><Fault>\(faults)</Fault></detail></Fault>"))
    guard case .fault(let fault) = envelope.message else { throw Unexpected() }
    #expect(fault.parameters.count == 256)
  }

  @Test("a part of the DeviceId beyond the standard's 64 characters, or an OUI beyond reason, is fault 8003 (item 79)")
  func longIdentity() throws {
    func device(_ part: String, _ text: String) -> String {
      let parts = ["Manufacturer": "M", "OUI": "00AABB", "ProductClass": "P", "SerialNumber": "S"]
      let all = parts.merging([part: text]) { $1 }.map { "<\($0)>\($1)</\($0)>" }.joined()
      return EnvelopeParserTests.envelope("<cwmp:Inform><DeviceId>\(all)</DeviceId></cwmp:Inform>")
    }
    for part in ["Manufacturer", "ProductClass", "SerialNumber"] {
      let longest = String(repeating: "字", count: 64) + String(repeating: "x", count: 64)
      #expect(try parse(device(part, longest)).method == "Inform")
      for text in [longest + "x", String(repeating: "字", count: 3_000)] {
        let error = refusal(device(part, text))
        #expect(error?.kind == .invalidArguments && error?.reply == .fault(.invalidArguments))
        #expect(error?.message.contains(part) == true)
      }
    }
    #expect(refusal(device("OUI", String(repeating: "A", count: 33)))?.kind == .invalidArguments)
    let longest = DeviceID(
      oui: String(repeating: "-", count: 32), productClass: String(repeating: "-", count: 256),
      serialNumber: String(repeating: "-", count: 256))
    #expect(longest.excess == nil && longest.canonicalIdentity.utf8.count < 2_000)
  }
}
