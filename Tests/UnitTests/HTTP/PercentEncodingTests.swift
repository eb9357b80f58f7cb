import HTTP
import Testing

@Suite struct PercentEncodingTests {
  @Test func `escapes are undone once, as UTF-8`() {
    #expect(PercentEncoding.decode("a%20b%c3%b6+") == "a bö+")
    #expect(PercentEncoding.decode("a+b", plusIsSpace: true) == "a b")
    #expect(PercentEncoding.decode("%2525") == "%25")
  }

  @Test(arguments: ["%", "%4", "%zz", "%ff", "a%", "a%00"])
  func `malformed escapes are nothing`(_ text: String) {
    #expect(PercentEncoding.decode(text) == nil)
  }

  @Test func `encoding leaves unreserved characters and decodes to the same`() {
    #expect(PercentEncoding.encode("A-z_0.~ /ö") == "A-z_0.~%20%2F%C3%B6")
  }

  @Test func `a query is its pairs in order`() throws {
    let pairs = try #require(PercentEncoding.decodeQuery("a=1&b=%26&a=&c&&=x"))
    #expect(pairs.map(\.name) == ["a", "b", "a", "c", ""])
    #expect(pairs.map(\.value) == ["1", "&", "", "", "x"])
    #expect(PercentEncoding.decodeQuery("a=%") == nil)
  }
}
