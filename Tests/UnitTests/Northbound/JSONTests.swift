import Testing

@testable import Northbound

@Suite("JSON and times of the API")
struct JSONTests {
  @Test("What is written can be read, whatever the text holds")
  func writer() throws {
    let bytes = JSONWriter.object { json in
      json.member("text", "a\"b\\c\n\u{1}é")
      json.member("nothing", String?.none)
      json.member("list", ["x", "y"])
      json.member("time", time: 1_700_000_000_123_456)
      json.member("far", time: .max)
      json.member("inner") { $0.member("yes", true) }
      json.member("raw", json: Array(#"{"a":[1,2.5]}"#.utf8))
    }
    #expect(
      try JSONValue.parse(bytes)
        == .object([
          "text": .text("a\"b\\c\n\u{1}é"), "nothing": .null, "list": .array([.text("x"), .text("y")]),
          "time": .text("2023-11-14T22:13:20.123Z"), "far": .text("9999-12-31T23:59:59.999Z"),
          "inner": .object(["yes": .bool(true)]),
          "raw": .object(["a": .array([.integer(1), .number(2.5)])]),
        ]))
  }

  @Test("Nonsense is a malformed body", arguments: ["", "{", "{\"a\":}", "nul", "[1,", "\u{0}"])
  func malformed(_ text: String) {
    #expect(throws: Problem.self) { try JSONValue.parse(Array(text.utf8)) }
  }

  @Test(
    "Times are read as RFC 3339 writes them",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01", 0), ("2023-11-14T22:13:20.5Z", 1_700_000_000_500_000),
      ("2023-11-15T00:13:20+02:00", 1_700_000_000_000_000), ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
      ("2023-11-14t22:13:20.123456789z", 1_700_000_000_123_456),
    ])
  func times(_ text: String, _ expected: Int64) {
    #expect(RFC3339Text.microseconds(text) == expected)
  }

  @Test(
    "Other texts are no times",
    arguments: [
      "", "now", "2023", "2023-13-01", "2023-02-29", "2023-01-01T", "2023-01-01T00:00:00", "2023-01-01T24:00:00Z",
      "2023-01-01T00:00:00Zx", "2023-01-01T00:00:00.Z", "2023-01-01T00:00:00+2:00",
    ])
  func noTimes(_ text: String) {
    #expect(RFC3339Text.microseconds(text) == nil)
  }

  @Test("A misspelt field is told with the ones that are known, not passed over")
  func unknownFields() throws {
    var body = BodyFields(["priorty": .integer(1)], place: "")
    _ = try body.integer("priority", in: 0...9)
    do {
      try body.end()
      Issue.record("it was passed over")
    } catch {
      #expect(error.field == "priorty")
      #expect(error.detail.contains("known are priority"))
    }
  }

  @Test("Places within objects and lists are told")
  func places() throws {
    var body = BodyFields(["oui": .array([.text("00D09E"), .integer(5)])], place: "filter")
    do {
      _ = try body.texts("oui", atMost: 9)
      Issue.record("it was taken")
    } catch {
      #expect(error.field == "filter.oui[1]")
    }
  }
}
