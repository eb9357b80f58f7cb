import CWMP
import Testing
import XML

@Suite("Mutated messages, from a seed")
struct MutatedMessagesTests {
  /// SplitMix64.
  private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
      return value ^ (value >> 31)
    }
  }

  private static let pieces = [
    "<", ">", "&", "&#", "]]>", "<![CDATA[", "<!--", "-->", "</", "/>", "<?", "\0", "\u{FEFF}", "<ParameterList>",
    "</ParameterList>", "<Name>", "<Value>", "'", "\"", "xmlns:x='", "<!DOCTYPE a>", "\u{1}", "é",
  ].map { Array($0.utf8) }

  @Test(
    "no parser and no redaction is upset by them, and where they are cut does not matter",
    arguments: [
      "001-dpavlin-6718-Inform.xml", "i12-SPVFault-multiple-params.xml", "016-dpavlin-GetParameterValuesResponse.xml",
      "059-Fullrate-AutonomousTransferComplete.xml",
    ])
  func mutated(file: String) throws {
    let original = SampleMessages.bytes(file)
    let parsers = [EnvelopeParser(side: .acs), EnvelopeParser(side: .cpe)]
    var random = Seeded(state: 7_547)
    for round in 0..<150 {
      let document = mutate(original, &random)
      let charset = [nil, .utf8, .latin1, .utf16][Int.random(in: 0..<4, using: &random)] as XMLCharset?
      let cut = Int.random(in: 0...document.count, using: &random)
      _ = Redaction.redacted(document)
      for parser in parsers {
        guard let whole = try? parser.parse(document, charset: charset) else { continue }
        let (head, tail) = (Array(document[..<cut]), Array(document[cut...]))
        parser.begin(charset: charset)
        try parser.feed(head.span)
        try parser.feed(tail.span)
        let pieced = try parser.finish(body: document.span)
        #expect(pieced.message == whole.message && pieced.notes == whole.notes, "round \(round), cut at \(cut)")
      }
    }
  }

  private func mutate(_ original: [UInt8], _ random: inout Seeded) -> [UInt8] {
    var document = original
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let index = Int.random(in: 0..<document.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: document[index] = UInt8.random(in: 0...255, using: &random)
      case 1: document.insert(contentsOf: Self.pieces.randomElement(using: &random) ?? [], at: index)
      case 2: document.removeSubrange(index..<min(document.count - 1, index + 30).clamped(from: index))
      default: document.insert(contentsOf: Array(document[(index / 2)..<index].prefix(200)), at: index)
      }
    }
    return document
  }
}

extension Int {
  fileprivate func clamped(from lower: Int) -> Int { Swift.max(self, lower) }
}
