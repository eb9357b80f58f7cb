import HTTP
import Testing

@Suite struct FieldBlockTests {
  @Test func `no value can end its line (response splitting)`() {
    let block = FieldBlock("Location", "/x\r\nSet-Cookie: a=b\n\u{0}c\u{7F}")
    #expect(String(decoding: block.bytes, as: UTF8.self) == "Location: /x  Set-Cookie: a=b  c \r\n")
  }

  @Test func `blocks are joined in order`() {
    var block = FieldBlock("A", "1").with("B", "")
    block.add(FieldBlock("C", "ü"))
    #expect(String(decoding: block.bytes, as: UTF8.self) == "A: 1\r\nB: \r\nC: ü\r\n")
  }
}
