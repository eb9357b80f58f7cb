import DataModel
import Testing

@Suite struct ParameterTypeTests {
  @Test func `types are read by their local name, and unknown ones are kept (Q26, Q27)`() {
    #expect(ParameterType(wireName: "xsd:unsignedInt") == .unsignedInt)
    #expect(ParameterType(wireName: "xs:boolean") == .boolean)
    #expect(ParameterType(wireName: "string") == .string)
    #expect(ParameterType(wireName: "xsd:base64Binary") == .base64)
    #expect(ParameterType(wireName: "xsd:json") == .other("xsd:json"))
    #expect(ParameterType(wireName: "xsd:json").wireName == "xsd:json")
    #expect(ParameterType(wireName: "").wireName == "xsd:string")
    #expect(ParameterType(wireName: "xsd:").wireName == "xsd:string")
  }

  static let same: [(ParameterType, String, String)] = [
    (.boolean, "1", "true"), (.boolean, "FALSE", "0"), (.boolean, " true ", "1"),
    (.unsignedInt, "0042", "42"), (.int, "-0", "0"), (.int, "+5", "5"), (.decimal, "1.50", "1.5"),
    (.unsignedLong, "99999999999999999999", "099999999999999999999"),
    (.dateTime, "2026-11-23T07:45:19Z", "2026-11-23T08:45:19+01:00"),
    (.dateTime, "2026-11-23T07:45:19.000Z", "2026-11-23T07:45:19Z"),
    (.dateTime, "2026-11-23T07:45:19", "2026-11-23T07:45:19.0"),
    (.dateTime, "2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00Z"),
    (.hexBinary, "0AfF", "0aff"), (.base64, "QUJD\nREVG", "QUJDREVG"),
    (.string, "x", "x"),
  ]

  @Test(arguments: same)
  func `values are compared by what they mean`(type: ParameterType, left: String, right: String) {
    #expect(type.isSame(left, right))
    #expect(type.isSame(right, left))
  }

  static let different: [(ParameterType, String, String)] = [
    (.boolean, "1", "0"), (.boolean, "yes", "true"), (.int, "1", "-1"), (.int, "", "0"), (.int, "1x", "1"),
    (.decimal, "1.5", "15"), (.decimal, ".", "0"), (.string, "1", "01"), (.string, "x", "x "), (.string, "true", "1"),
    (.string, "e\u{301}", "\u{e9}"),
    (.dateTime, "2026-11-23T07:45:19Z", "2026-11-23T07:45:20Z"), (.dateTime, "nonsense", "2026-11-23T07:45:19Z"),
    (.dateTime, "2026-11-23T07:45:19", "2026-11-23T07:45:19Z"), (.dateTime, "2026-13-01T00:00:00Z", "x"),
    (.other("xsd:json"), "1", "true"),
  ]

  @Test(arguments: different)
  func `nonsense is never equal to sense, and texts are compared byte for byte`(
    type: ParameterType, left: String, right: String
  ) {
    #expect(!type.isSame(left, right))
    #expect(!type.isSame(right, left))
  }
}
