import Operations
import Testing

@Suite("Lines of text")
struct LinesTests {
  @Test(
    "end with LF or CRLF, and the last one with nothing",
    arguments: [
      ("", [""]), ("a", ["a"]), ("a\n", ["a", ""]), ("a\r\nb\r\n", ["a", "b", ""]),
      ("a\nb\r\n\r\nc", ["a", "b", "", "c"]),
      ("a\rb", ["a\rb"]),
    ])
  func lines(text: String, expected: [String]) {
    #expect(text.lines.map(String.init) == expected)
  }
}
