import Testing
import XML

@Suite("The XML push parser")
struct XMLPushParserTests {
  private func events(
    _ document: String, charset: XMLCharset? = nil, limits: XMLLimits = XMLLimits()
  ) throws(XMLError) -> String {
    try events(Array(document.utf8), charset: charset, limits: limits)
  }

  private func events(
    _ document: [UInt8], charset: XMLCharset? = nil, limits: XMLLimits = XMLLimits()
  ) throws(XMLError) -> String {
    let sink = RecordingSink()
    let parser = XMLPushParser(vocabulary: RecordingSink.vocabulary, sink: sink, limits: limits)
    try parser.parse(document.span, charset: charset)
    return sink.events
  }

  private func kind(of document: String, limits: XMLLimits = XMLLimits()) -> XMLError.Kind? {
    do throws(XMLError) {
      _ = try events(document, limits: limits)
      return nil
    } catch {
      return error.kind
    }
  }

  @Test("tells names and namespaces by number, attributes by value, depth from 1")
  func namesAreNumbered() throws {
    #expect(
      try events("<p:a xmlns:p='urn:one' p:n='x y' z='2'><b>t</b></p:a>")
        == "<a#1{urn:one#4} #3=x y #0=2@1|<b#2@2|t>2>1")
  }

  @Test("lets unbound prefixes pass, because CPEs send them (item 30)")
  func unboundPrefixes() throws {
    #expect(try events("<q:a r:n='1'/>") == "<a#1 #3=1@1|>1")
  }

  @Test("takes a byte order mark, blank lines, a declaration over lines, comments, CDATA and references (item 55)")
  func preludes() throws {
    let document =
      "\n \u{FEFF}\n<?xml version='1.0'\n encoding='UTF-8'?>\n<!-- x --><a><![CDATA[<&>]]>&#65;&#x42;&lt;<b/></a>\n"
    #expect(try events(document) == "<a#1@1|<&>AB<<b#2@2|>2>1")
  }

  @Test(
    "gives the same events wherever the bytes are cut",
    arguments: [
      "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?><a n=\"é\">x &amp; ü<b>  </b><![CDATA[q]]></a>",
      "\r\n<a><b>1</b>\u{1F514}</a>",
    ])
  func everyCut(document: String) throws {
    let bytes = Array(document.utf8)
    let whole = try events(bytes)
    let sink = RecordingSink()
    let parser = XMLPushParser(vocabulary: RecordingSink.vocabulary, sink: sink)
    for cut in 0...bytes.count {
      sink.clear()
      parser.begin()
      try parser.feed(bytes[..<cut])
      try parser.feed(bytes[cut...])
      try parser.finish()
      #expect(sink.events == whole, "cut at \(cut)")
    }
    sink.clear()
    parser.begin()
    for index in bytes.indices { try parser.feed(bytes[index...index]) }
    try parser.finish()
    #expect(sink.events == whole)
  }

  @Test("refuses document types, also before an entity of theirs is used (item 53)")
  func documentTypes() {
    #expect(kind(of: "<!DOCTYPE a><a/>") == .documentType)
    #expect(kind(of: "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>") == .documentType)
    #expect(kind(of: "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>") == .documentType)
  }

  @Test("counts depth, elements and attributes itself")
  func limits() {
    let deep = String(repeating: "<a>", count: 33) + String(repeating: "</a>", count: 33)
    #expect(kind(of: deep) == .tooDeep)
    #expect(kind(of: "<a><b/><b/><b/></a>", limits: XMLLimits(elements: 3)) == .tooManyElements)
    #expect(kind(of: "<a b='' c='' d=''/>", limits: XMLLimits(attributes: 2)) == .tooManyAttributes)
    #expect(kind(of: "<a xmlns:p='u' xmlns:q='v' d=''/>", limits: XMLLimits(attributes: 2)) == .tooManyAttributes)
    let siblings = "<a xmlns:p='u'><b xmlns:q='v'/><b xmlns:r='w'/></a>"
    #expect(kind(of: siblings, limits: XMLLimits(namespaces: 2)) == nil)
    #expect(kind(of: siblings, limits: XMLLimits(namespaces: 1)) == .tooManyNamespaces)
    #expect(kind(of: "<a>" + (0..<20_000).map { "<n\($0)/>" }.joined() + "</a>") == .tooManyNames)
    #expect(kind(of: "<a>0123456789</a>", limits: XMLLimits(bytes: 10)) == .tooManyBytes)
  }

  @Test("gives up on a tag that does not end, before libxml2's quadratic search for equal attributes hurts")
  func endlessTag() {
    let tag = "<a " + (0..<20_000).map { "a\($0)='' " }.joined() + "/>"
    #expect(kind(of: tag) == .constructTooLong)
    #expect(kind(of: "<a><!--" + String(repeating: "x", count: 100_000) + "--></a>") == .constructTooLong)
  }

  @Test("does not take a long text for a long tag")
  func longText() throws {
    let text = String(repeating: "0123456789abcdef", count: 6_000)
    #expect(try events("<a><![CDATA[\(text)]]></a>") == "<a#1@1|\(text)>1")
    #expect(try events("<a>\(text)\(text)</a>") == "<a#1@1|\(text)\(text)>1")
  }

  @Test("tells an incomplete document from a broken one")
  func kinds() {
    #expect(kind(of: "") == .incomplete)
    #expect(kind(of: "<a><b>") == .incomplete)
    for document in ["<a><b></a>", "<a n='1' n='2'/>"] {
      if case .notWellFormed = kind(of: document) { continue }
      Issue.record("\(document)")
    }
  }

  @Test(
    "calls errors of characters by that name, so that a filtered pass may follow (item 54)",
    arguments: [
      "<a>x & y</a>", "<a>AT&T</a>", "<a>&nbsp;</a>", "<a>\u{1}</a>", "<a>&#2;</a>", "<a n='\u{2}'/>", "\u{0}<a/>",
      "<a/>\u{0}", "<a n='b & c'/>",
    ])
  func badCharacters(document: String) {
    let kind = kind(of: document)
    if case .badCharacters = kind { return }
    Issue.record("\(String(describing: kind))")
  }

  @Test("names the line as it was sent, blank lines before the declaration included")
  func positions() {
    do throws(XMLError) {
      _ = try events("\n\n<?xml version='1.0'?>\n<a>\n</b>")
    } catch {
      #expect(error.line == 5)
      #expect(error.message.contains("mismatch"))
    }
  }

  @Test("stops when its sink asks")
  func stops() {
    let sink = RecordingSink()
    sink.stopsAt = "b"
    let parser = XMLPushParser(vocabulary: RecordingSink.vocabulary, sink: sink)
    #expect(throws: XMLError.self) { try parser.parse(Array("<a><b>text</b></a>".utf8).span) }
    #expect(sink.events == "<a#1@1|<b#2@2|")
  }

  @Test("is used again after every kind of end, also after more names than it keeps")
  func reuse() throws {
    let sink = RecordingSink()
    let parser = XMLPushParser(vocabulary: RecordingSink.vocabulary, sink: sink, limits: XMLLimits(elements: 20_000))
    let names = "<a>" + (0..<3_000).map { "<x\($0)/>" }.joined() + "</a>"
    let others = names.replacing("<x", with: "<y")
    for document in ["<a><b>", "<!DOCTYPE a><a/>", names, others, "<a>&</a>"] {
      try? parser.parse(Array(document.utf8).span)
      sink.clear()
      try parser.parse(Array("<a><b>t</b></a>".utf8).span)
      #expect(sink.events == "<a#1@1|<b#2@2|t>2>1")
    }
  }
}
