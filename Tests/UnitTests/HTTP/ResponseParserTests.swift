import HTTP
import Testing

private func parse(_ pieces: [[UInt8]], answersHead: Bool = false, ended: Bool = false) -> [String] {
  var parser = ResponseParser()
  parser.answersHead = answersHead
  var events: [String] = []
  var body: [UInt8] = []
  do throws(RequestError) {
    for piece in pieces {
      var position = 0
      var event = RequestEvent.head
      while event != .needMore {
        event = try parser.next(piece.span, from: &position)
        switch event {
        case .needMore: break
        case .head: events.append("\(parser.head.status)")
        case .body(let range): body += piece[range]
        case .end:
          events.append("<\(String(decoding: body, as: UTF8.self))>")
          body = []
        }
      }
    }
    if ended, try parser.inputEnded() == .end { events.append("<\(String(decoding: body, as: UTF8.self))>") }
  } catch {
    events.append("refused")
  }
  return events
}

@Suite struct ResponseParserTests {
  @Test func `lengths, chunks, bodyless statuses and interim responses, however the bytes are cut`() {
    let text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      + "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\nHTTP/1.1 204\r\n\r\n"
      + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    let bytes = Array(text.utf8)
    let expected = ["200", "<ok>", "204", "<>", "204", "<>", "200", "<x>"]
    for cut in 0...bytes.count {
      #expect(parse([Array(bytes[..<cut]), Array(bytes[cut...])]) == expected, "cut at \(cut)")
    }
  }

  @Test func `without a length the body runs to the end of the connection`() {
    let bytes = Array("HTTP/1.0 200 OK\r\n\r\nabc".utf8)
    #expect(parse([bytes]) == ["200"])
    #expect(parse([bytes], ended: true) == ["200", "<abc>"])
  }

  @Test func `a response cut short is an error, a close between responses is none`() {
    #expect(parse([Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc".utf8)], ended: true) == ["200", "refused"])
    #expect(parse([[]], ended: true) == [])
  }

  @Test func `the response to HEAD has a length and no body`() {
    let bytes = Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".utf8)
    #expect(parse([bytes], answersHead: true) == ["200", "<>"])
  }

  @Test(
    "malformed status lines are refused",
    arguments: ["HTTP/2 200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1  200 OK\r\n", "x\r\n"])
  func malformed(_ line: String) {
    #expect(parse([Array((line + "\r\n").utf8)]) == ["refused"])
  }
}
