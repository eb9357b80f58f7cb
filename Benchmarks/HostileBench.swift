import CWMP
import XML

/// The most that one body may cost: documents of 16 MiB that somebody hostile would send, each of another kind, read in
/// the pieces in which a gateway feeds them. None may take more than half a second (promise P7).
enum HostileBench {
  static func run() {
    var worst = (name: "", milliseconds: 0.0)
    for (name, document) in documents {
      let bytes = document()
      let parser = EnvelopeParser()
      var outcome = ""
      let elapsed = ContinuousClock().measure { outcome = read(bytes, parser) }
      let milliseconds = Double(elapsed.components.seconds) * 1e3 + Double(elapsed.components.attoseconds) / 1e15
      if milliseconds > worst.milliseconds { worst = (name, milliseconds) }
      print("bench.hostile.\(name) \(milliseconds.rounded()) ms")
      print("# \(bytes.count >> 20) MiB: \(outcome)")
    }
    print("bench.hostile.worst \(worst.milliseconds.rounded()) ms")
    print("# \(worst.name)")
  }

  private static func read(_ bytes: [UInt8], _ parser: EnvelopeParser) -> String {
    do throws(CWMPError) {
      parser.begin(charset: nil)
      var position = 0
      while position < bytes.count {
        let end = min(position + 65_536, bytes.count)
        try parser.feed(bytes.span.extracting(position..<end))
        position = end
      }
      let envelope = try parser.finish(body: bytes.span)
      return "\(envelope.method), \(envelope.notes)"
    } catch {
      return String("\(error)".prefix(100))
    }
  }

  // MARK: - Documents

  private static let size = 16_000_000

  private static let documents: [(name: String, make: @Sendable () -> [UInt8])] = [
    ("event_code", { inform(event: "<EventCode>\(fill("é"))</EventCode>") }),
    ("event_ascii", { inform(event: "<EventCode>\(fill("A"))</EventCode>") }),
    ("events", { inform("<Event>\(fill("<EventStruct><EventCode>é</EventCode></EventStruct>"))</Event>") }),
    ("serial", { inform(device: "<OUI>1</OUI><SerialNumber>\(fill("é"))</SerialNumber>") }),
    ("current_time", { inform("<CurrentTime>2000-01-01T00:00:00.\(fill("9"))</CurrentTime>") }),
    ("id", { envelope("<c:Inform/>", header: "<c:ID>\(fill("x"))</c:ID>") }),
    ("versions", { inform(header: "<c:SupportedCWMPVersions>\(fill("1.0,"))</c:SupportedCWMPVersions>") }),
    (
      "version_blocks",
      {
        let block = String(repeating: "1.0,", count: 1_000)
        return inform(header: fill("<c:SupportedCWMPVersions>\(block)</c:SupportedCWMPVersions>"))
      }
    ),
    ("header_blocks", { inform(header: fill("<a s:mustUnderstand='1'/>", most: 390_000)) }),
    ("header_ids", { inform(header: fill("<c:ID>7</c:ID>", most: 390_000)) }),
    ("method", { envelope("<c:\(String(repeating: "M", count: 15_000))>\(fill("<a/>", most: 390_000))") }),
    ("elements", { inform(fill("<a/>", most: 390_000)) }),
    ("two_bodies", { envelope("<c:Inform/>") + Array(fill("<a/>").utf8) }),
    ("attributes", { inform(fill("<a \(attributes(32, "b", "v"))/>")) }),
    ("attribute_references", { inform(fill("<a b='\(String(repeating: "&amp;", count: 3_000))'/>")) }),
    ("namespaces", { nested(namespaces: 30, depth: 28) }),
    (
      "declared",
      {
        let uri = String(repeating: "é", count: 400)
        let many = (0..<32).map { "xmlns:n\($0)='urn:\(uri)\($0)'" }.joined(separator: " ")
        return Array("<Envelope>\(fill("<Header \(many)/>"))</Envelope>".utf8)
      }
    ),
    ("names", { inform((0..<390_000).map { "<n\($0)/>" }.joined()) }),
    ("value_ascii", { values(fill("x")) }),
    ("value_utf8", { values(fill("é")) }),
    ("value_three_bytes", { values(fill("字")) }),
    ("value_references", { values(fill("&#9;")) }),
    ("value_entities", { values(fill("&lt;")) }),
    ("value_zeros", { values(fill("&#00000000000000000000000000000000000000000000000000000000065;")) }),
    ("value_cdata", { values(fill("<![CDATA[x]]>")) }),
    ("value_long_cdata", { values("<![CDATA[\(fill("x"))]]>") }),
    ("value_brackets", { values(fill("]")) }),
    ("value_newlines", { values(fill("\n")) }),
    ("value_returns", { values(fill("\r")) }),
    ("comments", { values(fill("<!---->")) }),
    ("instructions", { values(fill("<?a?>")) }),
    ("long_comments", { values(fill("<!--\(String(repeating: "-x", count: 7_000))-->")) }),
    ("filtered_entities", { values(fill("&lt;") + "&") }),
    ("filtered_utf8", { values(fill("é") + "&") }),
    ("filtered_bare", { values(fill("&")) }),
    ("filtered_controls", { values(fill("\u{1}")) }),
    ("filtered_cdata", { values(fill("<![CDATA[x]]>") + "&") }),
    ("filtered_invalid", { values("@").flatMap { $0 == 0x40 ? [UInt8](repeating: 0xFF, count: size) : [$0] } }),
    ("latin1", { latin1(values("@", "ISO-8859-1")) }),
    ("utf16", { [0xFE, 0xFF] + values(fill("字", share: 2)).flatMapUTF16 }),
    (
      "parameters",
      {
        values(
          list: fill(
            "<P><Name>\(String(repeating: "n", count: 250))</Name>"
              + "<Value>\(String(repeating: "v", count: 30))</Value></P>",
            most: 49_000))
      }
    ),
    ("too_many_parameters", { values(list: fill("<P><Name>n</Name><Value>v</Value></P>", most: 130_000)) }),
    ("nameless", { values(list: fill("<P><Value>v</Value></P>", most: 190_000)) }),
    ("long_names", { values(list: fill("<P><Name>\(String(repeating: "n", count: 300))</Name></P>", most: 190_000)) }),
    ("types", { values(list: fill("<P><Name>n</Name><Value type='q:é'>v</Value></P>", most: 49_000)) }),
    (
      "names_response",
      {
        message(
          "GetParameterNamesResponse",
          "<ParameterList>\(fill("<P><Name>n</Name><Writable>é</Writable></P>", most: 49_000))</ParameterList>")
      }
    ),
    (
      "attributes_response",
      {
        message(
          "GetParameterAttributesResponse",
          "<ParameterList>\(fill("<P><Name>n</Name></P>", most: 190_000))</ParameterList>")
      }
    ),
    (
      "access_lists",
      {
        let list = String(repeating: "<string>é</string>", count: 8)
        return message(
          "GetParameterAttributesResponse",
          "<ParameterList>" + fill("<P><Name>n</Name><AccessList>\(list)</AccessList></P>", most: 35_000)
            + "</ParameterList>"
        )
      }
    ),
    (
      "methods",
      { message("GetRPCMethodsResponse", "<MethodList>\(fill("<string>é</string>", most: 390_000))</MethodList>") }
    ),
    (
      "faults",
      {
        let one =
          "<SetParameterValuesFault><ParameterName>n</ParameterName><FaultCode>9005</FaultCode>"
          + "</SetParameterValuesFault>"
        return envelope(
          "<s:Fault><detail><c:Fault><FaultCode>9003</FaultCode>" + fill(one, most: 130_000)
            + "</c:Fault></detail></s:Fault>"
        )
      }
    ),
    (
      "fault_string",
      {
        envelope(
          "<s:Fault><detail><c:Fault><FaultCode>9003</FaultCode><FaultString>" + fill("é")
            + "</FaultString></c:Fault></detail></s:Fault>"
        )
      }
    ),
    ("transfer", { message("TransferComplete", "<CommandKey>\(fill("é"))</CommandKey>") }),
    ("autonomous", { message("AutonomousTransferComplete", "<AnnounceURL>\(fill("é"))</AnnounceURL>") }),
    ("blank_start", { Array("\n\(fill(" "))".utf8) + envelope("<c:Inform/>") }),
    ("declaration", { Array("<?xml version='1.0' encoding='\(fill("x"))'?>".utf8) + envelope("<c:Inform/>") }),
    ("after_end", { envelope("<c:Inform/>") + Array(fill("\n").utf8) }),
    ("deep", { Array(fill("<a>").utf8) }),
    ("text_between", { inform(fill("<a/>           \n                       ", most: 390_000)) }),
  ]

  private static func fill(_ text: String, most: Int = .max, share: Int = 1) -> String {
    String(repeating: text, count: min(size / share / text.utf8.count, most))
  }

  private static func envelope(_ body: String, header: String = "", encoding: String = "UTF-8") -> [UInt8] {
    Array(
      """
      <?xml version="1.0" encoding="\(encoding)"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" \
      xmlns:c="urn:dslforum-org:cwmp-1-0"><s:Header>\(header)</s:Header><s:Body>\(body)</s:Body></s:Envelope>
      """.utf8)
  }

  private static func message(_ name: String, _ content: String, encoding: String = "UTF-8") -> [UInt8] {
    envelope("<c:\(name)>\(content)</c:\(name)>", encoding: encoding)
  }

  private static func inform(
    _ rest: String = "", device: String = "<OUI>1</OUI><SerialNumber>1</SerialNumber>", header: String = ""
  ) -> [UInt8] {
    envelope("<c:Inform><DeviceId>\(device)</DeviceId>\(rest)</c:Inform>", header: header)
  }

  private static func inform(event: String) -> [UInt8] { inform("<Event><EventStruct>\(event)</EventStruct></Event>") }

  private static func values(_ value: String, _ encoding: String = "UTF-8") -> [UInt8] {
    message(
      "GetParameterValuesResponse", "<ParameterList><P><Name>A</Name><Value>\(value)</Value></P></ParameterList>",
      encoding: encoding)
  }

  private static func values(list: String) -> [UInt8] {
    message("GetParameterValuesResponse", "<ParameterList>\(list)</ParameterList>")
  }

  private static func attributes(_ count: Int, _ name: String, _ value: String) -> String {
    (0..<count).map { "\(name)\($0)='\(value)'" }.joined(separator: " ")
  }

  /// Elements whose attributes' prefixes were declared far outside.
  private static func nested(namespaces: Int, depth: Int) -> [UInt8] {
    func declare(_ level: Int) -> String {
      (0..<namespaces).map { "xmlns:p\(level)n\($0)='u\($0)'" }.joined(separator: " ")
    }
    let open = (0..<depth).map { "<a \(declare($0))>" }.joined()
    let inner = "<b \((0..<30).map { "p0n\($0):x=''" }.joined(separator: " "))/>"
    return Array("<Envelope>\(open)\(fill(inner))".utf8)
  }

  private static func latin1(_ document: [UInt8]) -> [UInt8] {
    document.flatMap { $0 == 0x40 ? [UInt8](repeating: 0xE9, count: size) : [$0] }
  }
}

extension [UInt8] {
  fileprivate var flatMapUTF16: [UInt8] {
    String(decoding: self, as: UTF8.self).utf16.flatMap {
      [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)]
    }
  }
}
