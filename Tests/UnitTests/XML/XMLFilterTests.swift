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

  @Test("what is UTF-8 and what is not is told as Swift tells it, whatever the bytes")
  func anyBytes() {
    var random = SeededBytes(seed: 7)
    for _ in 0..<2_000 {
      // Mostly bytes that begin or go on with a character, so that the edges of the ranges are met.
      let bytes = (0..<12).map { _ in 0x7F &+ random.next() % 0x81 }
      let expected = String(decoding: bytes, as: UTF8.self).unicodeScalars.filter {
        $0 != "\u{FFFE}" && $0 != "\u{FFFF}"
      }
      #expect(filtered([0x61] + bytes) == "a" + String(String.UnicodeScalarView(expected)))
    }
  }

  @Test("a document that it lengthens too much stays near the limit")
  func limit() {
    let document = [UInt8](repeating: UInt8(ascii: "&"), count: 10_000)
    #expect(XMLFilter.filtered(document.span, limit: 12_000).count < 12_010)
  }
}

private struct SeededBytes {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt8 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 40)
  }
}
