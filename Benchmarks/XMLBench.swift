import CLibXML2
import CWMP

/// What reading a message costs against a bare libxml2 SAX2 pass with empty callbacks over the same bytes through a
/// reused push context, in the same run, alternating; the ratio's median over the rounds.
enum XMLBench {
  static func run() {
    measure("inform", informDocument, repetitions: 2_000)
    measure("gpv10k", valuesDocument, repetitions: 6)
  }

  private static let rounds = 21

  private static func measure(_ name: String, _ document: [UInt8], repetitions: Int) {
    let parser = EnvelopeParser()
    let bare = BareParser()
    guard let warm = try? parser.parse(document), bare.parse(document) else { return print("bench.xml.\(name) failed") }
    var ratios: [Double] = []
    var times: [Double] = []
    for _ in 0..<rounds {
      let floor = time(repetitions) { _ = bare.parse(document) }
      let ours = time(repetitions) { _ = try? parser.parse(document) }
      ratios.append(ours / floor)
      times.append(ours / Double(repetitions))
    }
    ratios.sort()
    times.sort()
    print("# \(name): \(document.count) bytes, \(warm.method), \(rounds) rounds of \(repetitions)")
    print("bench.xml.\(name).ratio \(rounded(ratios[rounds / 2])) x")
    print("bench.xml.\(name).us \(rounded(times[rounds / 2])) us")
  }

  /// Microseconds of wall time for all repetitions.
  private static func time(_ repetitions: Int, _ work: () -> Void) -> Double {
    let elapsed = ContinuousClock().measure {
      for _ in 0..<repetitions { work() }
    }
    return Double(elapsed.components.seconds) * 1e6 + Double(elapsed.components.attoseconds) / 1e12
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

  private static func parameters(_ count: Int) -> ParameterList {
    ParameterList(
      (0..<count).map { index in
        let name =
          "InternetGatewayDevice.LANDevice.1.WLANConfiguration.\(index / 8 + 1).AssociatedDevice.Field\(index % 8)"
        return switch index % 4 {
        case 0: ParameterValue(name, "value with some text \(index)")
        case 1: ParameterValue(name, "1", type: .boolean)
        case 2: ParameterValue(name, "\(index)", type: .unsignedInt)
        default: ParameterValue(name, "a & b < c \(index)")
        }
      })
  }

  private static let informDocument = CPEEnvelopeWriter().inform(
    Inform(
      deviceID: DeviceID(
        manufacturer: "Example", oui: "00AABB", productClass: "Gateway", serialNumber: "SN0000000001"),
      events: [EventStruct(.boot), EventStruct(.reboot, commandKey: "0123456789abcdef")],
      currentTime: DateTimeText("2026-11-23T08:00:00Z"), parameters: parameters(25)), id: "1234567890")

  private static let valuesDocument = CPEEnvelopeWriter().response(
    .getParameterValues(parameters(10_000)), id: Array("1234567890".utf8))
}

/// The floor: libxml2 alone.
private final class BareParser {
  private let context: xmlParserCtxtPtr?

  init() {
    var handler = xmlSAXHandler()
    handler.initialized = XML_SAX2_MAGIC
    handler.startElementNs = { _, _, _, _, _, _, _, _, _ in }
    handler.endElementNs = { _, _, _, _ in }
    handler.characters = { _, _, _ in }
    handler.ignorableWhitespace = handler.characters
    context = xmlCreatePushParserCtxt(&handler, nil, nil, 0, nil)
    if let context { xmlCtxtUseOptions(context, Int32(XML_PARSE_NONET.rawValue | XML_PARSE_COMPACT.rawValue)) }
  }

  deinit { xmlFreeParserCtxt(context) }

  func parse(_ document: [UInt8]) -> Bool {
    guard let context, xmlCtxtResetPush(context, nil, 0, nil, nil) == 0 else { return false }
    return document.withUnsafeBytes { bytes in
      let text = bytes.assumingMemoryBound(to: CChar.self).baseAddress
      return xmlParseChunk(context, text, Int32(bytes.count), 0) == 0 && xmlParseChunk(context, nil, 0, 1) == 0
    }
  }
}
