import Cryptography
import Testing

@Suite("Hexadecimal and base64")
struct EncodingTests {
  /// RFC 4648 §10.
  @Test(
    "Base64 is RFC 4648's",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func base64(plain: String, encoded: String) {
    #expect(Base64.encode(Array(plain.utf8).span) == encoded)
    #expect(Base64.decode(encoded) == Array(plain.utf8))
    #expect(Base64.decode(encoded.filter { $0 != "=" }) == Array(plain.utf8), "padding may be left out")
  }

  @Test("The url alphabet has neither + nor / nor padding")
  func url() {
    let bytes: [UInt8] = [0xFB, 0xEF, 0xFF, 0xFE]
    #expect(Base64.encode(bytes.span) == "++///g==")
    #expect(Base64.encode(bytes.span, .url) == "--___g")
    #expect(Base64.decode("--___g", .url) == bytes)
    #expect(Base64.decode("++///g", .url) == nil)
    #expect(Base64.decode("--___g", .standard) == nil)
  }

  @Test("One value has one text: stray bits, an impossible length and foreign characters are refused")
  func strict() {
    #expect(Base64.decode("Zh==") == nil)
    #expect(Base64.decode("Zm9vY") == nil)
    #expect(Base64.decode("Zm 9v") == nil)
    #expect(Base64.decode("====") == nil)
    #expect(Base64.decode("=") == nil)
  }

  @Test("Hexadecimal digits of either case")
  func hex() {
    #expect(Hex.encode([0x00, 0xAF, 0xFF].span) == "00afff")
    #expect(Hex.decode("00aFFf") == [0x00, 0xAF, 0xFF])
    #expect(Hex.decode("0") == nil)
    #expect(Hex.decode("0g") == nil)
  }
}
