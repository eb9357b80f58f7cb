import Testing

@testable import Northbound

@Suite("Tokens, names and files of the API")
struct AccessTests {
  @Test(
    "A bearer token is what RFC 6750 §2.1 says",
    arguments: [
      ("Bearer abc", "abc"), ("bearer  abc", "abc"), ("Basic abc", nil), ("Bearer", nil), ("Bearer ", nil), (nil, nil),
      ("abc", nil),
    ])
  func bearer(_ field: String?, _ token: String?) {
    #expect(TokenGate.token(in: field) == token)
  }

  @Test(
    "Names and tags have letters, digits and few signs",
    arguments: [("a-b_c.1", true), ("", false), ("a b", false), ("ä", false)])
  func names(_ text: String, _ isName: Bool) {
    #expect(Names.isName(text) == isName)
  }

  @Test(
    "No image is registered that the gateway would not serve, or that leads out of its directory",
    arguments: [
      "../a", "a/../b", "/a", "a//b", ".", ".a", "a/.b", "a\\b", "a/", "maker/2.0.bin", "a b", "-a", "\u{e4}",
    ])
  func escapes(_ name: String) {
    #expect(throws: Problem.self) { try FirmwareFile.checkName(name) }
  }

  @Test("Plain names are files")
  func files() throws {
    try FirmwareFile.checkName("a.bin")
    try FirmwareFile.checkName("acme_router-2.0.bin")
  }
}
