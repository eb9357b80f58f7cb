import Testing

@testable import Gateway

@Suite("Files for CPEs")
struct FileServiceTests {
  @Test("a plain name is served", arguments: ["fw-1.2.bin", "a", "IMAGE_7.img"])
  func plain(_ name: String) { #expect(FileService.name(in: "/files/" + name) == name) }

  @Test(
    "nothing else of the machine can be named",
    arguments: [
      "/files/", "/files/../secret", "/files/..%2fsecret", "/files/a/b", "/files/.hidden", "/files/-rf", "/files/a b",
      "/files//etc/passwd", "/files/a%00", "/other/a", "/files/\u{e4}",
    ])
  func others(_ path: String) { #expect(FileService.name(in: path) == nil) }
}
