import Testing
import XML

@Suite("The XML writer (item 51)")
struct XMLWriterTests {
  private func text(_ value: String) -> String {
    var writer = XMLWriter()
    writer.text(value)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test(
    "escapes markup, writes everything else outside 9, 10, 32...126 as a reference",
    arguments: [
      ("plain\ttext\n~", "plain\ttext\n~"), ("&<>\"'", "&amp;&lt;&gt;&quot;&apos;"),
      ("é\u{1F514}\r\u{7F}", "&#233;&#128276;&#13;&#127;"), ("\u{1}\u{0}\u{FFFF}", "&#65533;&#65533;&#65533;"),
    ])
  func escapes(value: String, expected: String) {
    #expect(text(value) == expected)
  }

  @Test("what it writes reads back")
  func roundTrip() throws {
    let value = "a & b < c > d \" ' é \u{1F514} \r\n\t end"
    let sink = RecordingSink()
    try XMLPushParser(vocabulary: RecordingSink.vocabulary, sink: sink).parse(Array("<a>\(text(value))</a>".utf8).span)
    #expect(sink.events == "<a#1@1|\(value)>1")
  }
}
