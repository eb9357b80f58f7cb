import Testing
import XML

@Suite("Charsets of documents (item 22)")
struct XMLCharsetTests {
  private func text(_ document: [UInt8], charset: XMLCharset? = nil) throws -> String {
    let sink = RecordingSink()
    try XMLPushParser(vocabulary: RecordingSink.vocabulary, sink: sink).parse(document.span, charset: charset)
    return sink.events
  }

  private let latin1: [UInt8] = Array("<a>caf".utf8) + [0xE9] + Array("</a>".utf8)

  @Test("Content-Type's charset goes before the declaration's, which goes before UTF-8")
  func order() throws {
    let declared = Array("<?xml version='1.0' encoding='ISO-8859-1'?>".utf8)
    #expect(try text(latin1, charset: .latin1) == "<a#1@1|café>1")
    #expect(try text(declared + latin1) == "<a#1@1|café>1")
    #expect(try text(declared + Array("<a>café</a>".utf8), charset: .utf8) == "<a#1@1|café>1")
    #expect(throws: XMLError.self) { try text(latin1) }
  }

  @Test("UTF-16 is read with a mark of either order, without one, and cut anywhere")
  func utf16() throws {
    let units = Array("<a>é\u{1F514}</a>".utf16)
    let little = units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let big = units.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    for document in [little, big, [0xFF, 0xFE] + little, [0xFE, 0xFF] + big] {
      #expect(try text(document) == "<a#1@1|é\u{1F514}>1")
      #expect(try text(document, charset: .utf16) == "<a#1@1|é\u{1F514}>1")
    }
    let sink = RecordingSink()
    let parser = XMLPushParser(vocabulary: RecordingSink.vocabulary, sink: sink)
    for cut in 0...little.count {
      sink.clear()
      parser.begin()
      try parser.feed(little[..<cut])
      try parser.feed(little[cut...])
      try parser.finish()
      #expect(sink.events == "<a#1@1|é\u{1F514}>1", "cut at \(cut)")
    }
  }

  @Test("half a surrogate pair is replaced and noted")
  func brokenUTF16() throws {
    let sink = RecordingSink()
    let parser = XMLPushParser(vocabulary: RecordingSink.vocabulary, sink: sink)
    let document: [UInt8] = Array("<a>".utf16).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] } + [0x00, 0xD8]
    let end = Array("</a>".utf16).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    try parser.parse((document + end).span)
    #expect(sink.events == "<a#1@1|\u{FFFD}>1")
    #expect(parser.replacedBytes)
  }

  @Test(
    "labels are read in any case and with quotes; an unknown one counts as none",
    arguments: [
      ("UTF-8", XMLCharset.utf8), ("\"utf-8\"", .utf8), ("US-ASCII", .utf8), ("iso-8859-1", .latin1),
      ("windows-1252", .latin1), ("utf-16", .utf16), ("gbk", nil),
    ] as [(String, XMLCharset?)])
  func labels(label: String, charset: XMLCharset?) {
    #expect(XMLCharset(label: label) == charset)
  }

  @Test("a document that only says that it is UTF-16 is read as UTF-8")
  func falseLabel() throws {
    #expect(try text(Array("<?xml version='1.0' encoding='utf-16'?><a>é</a>".utf8)) == "<a#1@1|é>1")
  }

  @Test("endless blanks before the document are not held back for ever")
  func blanks() {
    let sink = RecordingSink()
    let parser = XMLPushParser(vocabulary: RecordingSink.vocabulary, sink: sink)
    parser.begin()
    let blanks = [UInt8](repeating: 0x20, count: 1_024)
    for _ in 0..<64 { try? parser.feed(blanks.span) }
    #expect(throws: XMLError.self) { try parser.finish() }
  }

  @Test(
    "is what Content-Type names, and nothing where it names none (item 22)",
    arguments: [
      ("text/xml; charset=utf-8", "utf-8"), ("text/xml;charset=ISO-8859-1", "ISO-8859-1"),
      ("text/xml; a=b; Charset=\"utf-16\"", "\"utf-16\""), ("text/xml", ""), ("", ""), ("charset=utf-8", ""),
      ("text/xml; charset=", ""),
      ("text/xml; charset=" + String(repeating: "x", count: 99), String(repeating: "x", count: 64)),
    ])
  func contentType(text: String, label: String) {
    #expect(XMLCharset.label(inContentType: text) == label)
  }
}
