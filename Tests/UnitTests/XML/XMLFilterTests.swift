import Testing
import XML

@Suite("The filtered pass (items 22 and 54)")
struct XMLFilterTests {
  private func filtered(_ document: [UInt8]) -> String {
    String(decoding: XMLFilter.filtered(document.span), as: UTF8.self)
  }

  @Test(
    "drops control characters, escapes bare ampersands and unknown entities, keeps what is right",
    arguments: [
      ("<a>x\u{1}y\u{0}</a>", "<a>xy</a>"), ("<a>AT&T &amp; &#65;</a>", "<a>AT&amp;T &amp; &#65;</a>"),
      ("<a>&nbsp;&x</a>", "<a>&amp;nbsp;&amp;x</a>"), ("<a>&#2;&#x1F;&#xFFFE;b</a>", "<a>b</a>"),
      ("<a><![CDATA[a&b]]>&</a>", "<a><![CDATA[a&b]]>&amp;</a>"), ("<!-- a&b -->&", "<!-- a&b -->&amp;"),
      ("<a>\u{FFFF}tab\there</a>", "<a>tab\there</a>"), ("<a>&#99999999999;</a>", "<a>&amp;#99999999999;</a>"),
      ("\u{0}\u{0}\n<a/>\u{0}", "<a/>"), ("&", "&amp;"), ("&#", "&amp;#"), ("&#x;", "&amp;#x;"),
    ])
  func text(document: String, expected: String) {
    #expect(filtered(Array(document.utf8)) == expected)
  }

  @Test("replaces bytes that are not UTF-8")
  func invalidBytes() {
    #expect(filtered(Array("<a>".utf8) + [0xE9, 0x20, 0xFF] + Array("</a>".utf8)) == "<a>\u{FFFD} \u{FFFD}</a>")
  }

  @Test("a document that it lengthens too much stays near the limit")
  func limit() {
    let document = [UInt8](repeating: UInt8(ascii: "&"), count: 10_000)
    #expect(XMLFilter.filtered(document.span, limit: 12_000).count < 12_010)
  }
}
