import Testing
import YAML

@Suite("YAML decoding")
struct YAMLDecoderTests {
  struct Policy: Decodable, Equatable {
    struct Match: Decodable, Equatable {
      var oui: [String]?
      var model: String?
    }
    var name: String
    var priority: Int
    var enabled: Bool?
    var match: Match?
    var ensure: [String: String]?
    var ratio: Double?
  }

  private func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
    try YAMLDecoder().decode(type, from: Array(text.utf8), file: "p.yaml")
  }

  private func message<Value: Decodable>(_ type: Value.Type, _ text: String) -> String? {
    #expect(throws: YAMLError.self) { try decode(type, text) }?.description
  }

  @Test("A document becomes a value")
  func values() throws {
    let text = """
      name: base
      priority: 10
      enabled: true
      match: {oui: [00D09E, "001122"], model: 1.10}
      ensure:
        Device.ManagementServer.PeriodicInformInterval: 300
        Device.X: 'true'
      ratio: 2.5
      """
    let expected = Policy(
      name: "base", priority: 10, enabled: true, match: .init(oui: ["00D09E", "001122"], model: "1.10"),
      ensure: ["Device.ManagementServer.PeriodicInformInterval": "300", "Device.X": "true"], ratio: 2.5)
    #expect(try decode(Policy.self, text) == expected)
  }

  @Test("Errors name file, line, column, path and what is expected")
  func messages() {
    #expect(message(Policy.self, "name: x") == "p.yaml:1:1: the key 'priority' is missing")
    #expect(
      message(Policy.self, "name: x\npriority: high")
        == "p.yaml:2:11: priority: a whole number is expected, not 'high'")
    #expect(
      message(Policy.self, "name: x\npriority: 1\nmatch:\n  oui: [a, {b: c}]")
        == "p.yaml:4:12: match.oui[1]: a text is expected, this is a mapping")
    #expect(
      message(Policy.self, "name: [x]\npriority: 1") == "p.yaml:1:7: name: a text is expected, this is a list")
    #expect(
      message(Policy.self, "name: x\npriority: \"1\"") == "p.yaml:2:11: priority: a whole number is expected, not '1'")
    #expect(message(Policy.self, "- a") == "p.yaml:1:1: a mapping is expected, this is a list")
  }

  @Test("Numbers are whole, decimal and in range")
  func numbers() throws {
    #expect(try decode([Int].self, "[1, -2, +3]") == [1, -2, 3])
    #expect(message([UInt8].self, "[256]") == "p.yaml:1:2: [0]: 256 is outside 0 to 255")
    #expect(message([Int].self, "[1.5]") == "p.yaml:1:2: [0]: a whole number is expected, not '1.5'")
    #expect(message([Double].self, "[nan]") == "p.yaml:1:2: [0]: a number is expected, not 'nan'")
  }

  @Test("An unknown key is an error that names the nearest known one")
  func unknownKeys() throws {
    #expect(
      message(Policy.self, "name: x\npriority: 1\npriorty: 2")
        == "p.yaml:3:1: unknown key 'priorty'; did you mean 'priority'?")
    #expect(
      message(Policy.self, "name: x\npriority: 1\nmatch:\n  zzz: 2")
        == "p.yaml:4:3: match: unknown key 'zzz'; known: model, oui")
    let lenient = YAMLDecoder(refusesUnknownKeys: false)
    let policy = try lenient.decode(Policy.self, from: Array("name: x\npriority: 1\nother: 2".utf8), file: "p")
    #expect(policy.name == "x")
  }

  @Test("A missing and an empty optional are nil; an empty section is one without keys")
  func optionals() throws {
    let policy = try decode(Policy.self, "name: x\npriority: 1\nenabled:\nmatch:\n")
    #expect(policy.enabled == nil)
    #expect(policy.match == nil)
    #expect(try decode([String: Policy.Match].self, "a:\n") == ["a": Policy.Match()])
  }

  @Test("An error of a type's own decoding is found again in the document")
  func foreignErrors() {
    struct Level: Decodable {
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "no level '\(text)'")
      }
    }
    #expect(message([String: [Level]].self, "a:\n  - low\n") == "p.yaml:2:5: a[0]: no level 'low'")
  }

  @Test("A property may take its node as it is")
  func nodes() throws {
    struct Raw: Decodable {
      var value: YAMLNode
      init(from decoder: any Decoder) throws {
        value = try decoder.container(keyedBy: Key.self).decode(YAMLNode.self, forKey: .value)
      }
      enum Key: CodingKey { case value }
    }
    #expect(try decode(Raw.self, "value: {any: thing}").value["any"]?.text == "thing")
  }

  @Test(
    "The nearest name is found for the usual slips",
    arguments: [
      ("databse", "database"), ("gatway", "gateway"), ("netowrk", "network"), ("Gateway", "gateway"),
      ("something", nil), ("x", nil),
    ])
  func suggestions(slip: String, expected: String?) {
    #expect(Suggestion.nearest(to: slip, in: ["database", "gateway", "network", "log"]) == expected)
  }
}
