import HTTP
import Testing

@Suite struct ByteRangeTests {
  @Test(
    "one range of bytes is understood, all else is the whole (RFC 9110 §14)",
    arguments: [
      (nil, .whole), ("bytes=0-0", .part(0..<1)), ("bytes=2-", .part(2..<10)), ("bytes=2-99", .part(2..<10)),
      ("bytes=-3", .part(7..<10)), ("bytes=-99", .part(0..<10)), ("Bytes=9-9", .part(9..<10)),
      ("bytes=10-", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=3-2", .whole), ("bytes=-", .whole),
      ("bytes=0-1,3-4", .whole), ("lines=0-1", .whole), ("bytes=+1-2", .whole), ("bytes=1- 2", .whole),
      ("bytes=99999999999999999999-", .whole),
    ] as [(String?, ByteRange)])
  func understood(_ value: String?, _ expected: ByteRange) {
    #expect(ByteRange(value, size: 10) == expected)
  }

  @Test func `the answer says which part of how much`() {
    #expect(ByteRange("bytes=2-", size: 10).contentRange(of: 10) == "bytes 2-9/10")
    #expect(ByteRange("bytes=10-", size: 10).contentRange(of: 10) == "bytes */10")
    #expect(ByteRange(nil, size: 10).contentRange(of: 10) == nil)
    #expect(ByteRange("bytes=0-", size: 0) == .unsatisfiable)
  }
}
