import Testing
import YAML

@Suite("YAML documents")
struct YAMLDocumentTests {
  private func parse(_ text: String) throws -> YAMLNode {
    try YAMLDocument.parse(Array(text.utf8), file: "a.yaml").root
  }

  @Test("Nodes know their kind and their place")
  func tree() throws {
    let root = try parse("name: carillon\nlist:\n  - 1\n  - {key: \"quoted\"}\n")
    #expect(root["name"]?.text == "carillon")
    #expect(root["name"]?.mark == YAMLMark(line: 1, column: 7))
    guard case .sequence(let items) = root["list"]?.content else {
      Issue.record("no list")
      return
    }
    #expect(items.count == 2)
    #expect(items[1].mark == YAMLMark(line: 4, column: 5))
    #expect(items[1]["key"]?.text == "quoted")
  }

  @Test("Only plain scalars read as null or boolean; yes and on are texts")
  func schema() throws {
    let root = try parse("a: ~\nb:\nc: null\nd: 'null'\ne: true\nf: \"true\"\ng: yes\n")
    #expect(root["a"]?.isNull == true && root["b"]?.isNull == true && root["c"]?.isNull == true)
    #expect(root["d"]?.isNull == false)
    #expect(root["e"]?.boolean == true)
    #expect(root["f"]?.boolean == nil)
    #expect(root["g"]?.boolean == nil)
  }

  @Test("An empty document is nothing; a second one is refused where one is expected")
  func documents() throws {
    #expect(try parse("").isNull)
    #expect(try parse("# only a comment\n").isNull)
    #expect(try YAMLDocument.parseAll(Array("a: 1\n---\nb: 2\n".utf8), file: "a").count == 2)
    #expect(throws: YAMLError.self) { try parse("a: 1\n---\nb: 2\n") }
  }

  @Test(
    "What makes a document mean something else than it seems is refused, with file, line and column",
    arguments: [
      ("a: 1\nb: 2\na: 3\n", "a.yaml:3:1: the key 'a' stands already on line 1"),
      ("a: &x 1\n", "a.yaml:1:4: anchors (&name) are not supported: write the value out"),
      ("a: *x\n", "a.yaml:1:4: aliases (*name) are not supported: write the value out"),
      ("a: !!int 5\n", "a.yaml:1:4: tags (!name) are not supported"),
      ("? [1, 2]\n: x\n", "a.yaml:1:3: a key must be a single value"),
    ])
  func refused(text: String, message: String) {
    let error = #expect(throws: YAMLError.self) { try parse(text) }
    #expect(error?.description == message)
  }

  @Test(
    "Syntax errors name their line",
    arguments: [("a: [1,\nb: 2\n", 3), ("a: 1\n\tb: 2", 2), ("a: \"x", 1), ("a: 1\n b: 2", 2)])
  func syntax(text: String, line: Int) {
    let error = #expect(throws: YAMLError.self) { try parse(text) }
    #expect(error?.mark?.line == line)
  }

  @Test("Bytes that are not UTF-8 are refused")
  func encoding() {
    let error = #expect(throws: YAMLError.self) { try YAMLDocument.parse([0x61, 0x3A, 0x20, 0xFF], file: "a") }
    #expect(error?.reason.contains("byte 3") == true)
  }

  @Test("Depth, number and size are bounded before memory is")
  func limits() {
    var limits = YAMLLimits()
    limits.depth = 3
    limits.nodes = 10
    limits.bytes = 100
    func reason(_ text: String) -> String? {
      #expect(throws: YAMLError.self) {
        try YAMLDocument.parse(Array(text.utf8), file: "a", limits: limits)
      }?.reason
    }
    #expect(reason("[[[[[1]]]]]") == "nested deeper than 3 levels")
    #expect(reason("[1,2,3,4,5,6,7,8,9,10]") == "more than 10 values")
    #expect(reason(String(repeating: "#", count: 101)) == "101 bytes, the limit is 100")
  }
}
