import Glibc
import Policy
import Testing

@Suite("docs/policies.md") struct PolicyDocumentationTests {
  @Test func `every example is a policy`() throws {
    var path = #filePath.split(separator: "/").map(String.init)
    path.removeLast(4)
    let file = try #require(fopen("/" + path.joined(separator: "/") + "/docs/policies.md", "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: "```yaml\n").dropFirst()
    #expect(parts.count >= 5)
    for part in parts {
      let end = try #require(part.firstRange(of: "```"))
      _ = try PolicyDocument.parse(String(part[..<end.lowerBound]), file: "docs/policies.md")
    }
  }
}
