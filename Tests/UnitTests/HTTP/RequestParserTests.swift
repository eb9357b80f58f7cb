import HTTP
import Testing

/// What a parser made of some bytes, in one word or text each.
private func parse(_ pieces: [[UInt8]], limits: RequestLimits = RequestLimits()) -> (events: [String], refused: Int?) {
  var parser = RequestParser(limits: limits)
  var events: [String] = []
  var body: [UInt8] = []
  for piece in pieces {
    var position = 0
    do throws(RequestError) {
      while true {
        let event = try parser.next(piece.span, from: &position)
        switch event {
        case .needMore: break
        case .head: events.append("\(parser.head.method) \(parser.head.target)")
        case .body(let range): body += piece[range]
        case .end:
          events.append("<\(String(decoding: body, as: UTF8.self))>")
          body = []
        }
        if event == .needMore { break }
      }
    } catch {
      return (events, Int(error.status.rawValue))
    }
  }
  return (events, nil)
}

private func parse(_ text: String, limits: RequestLimits = RequestLimits()) -> (events: [String], refused: Int?) {
  parse([Array(text.utf8)], limits: limits)
}

private func head(_ text: String) throws -> RequestHead {
  var parser = RequestParser()
  var position = 0
  let bytes = Array(text.utf8)
  let event = try parser.next(bytes.span, from: &position)
  try #require(event == .head)
  return parser.head
}

@Suite struct RequestParserTests {
  @Test(
    "what a CPE may send is understood (RFC 9112; items 6, 7)",
    arguments: [
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", ["POST /", "<abc>"]),
      ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", ["POST /", "<>"]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", ["POST /", "<>"]),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ["POST /", "<>"]),
      (
        "POST / HTTP/1.1\r\nhOST:a\r\nTRANSFER-ENCODING:\tCHUNKED \r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
        ["POST /", "<abc0123456789>"]
      ),
      (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n000\r\nX-Sum: 1\r\n\r\n",
        ["POST /", "<abc>"]
      ),
      ("\r\nGET /x?y=z HTTP/1.1\r\nHost: a\r\n\r\n", ["GET /x?y=z", "<>"]),
      ("GET /x HTTP/1.0\r\n\r\n", ["GET /x", "<>"]),
      ("GET http://acs.example/x HTTP/1.1\r\nHost: acs.example\r\n\r\n", ["GET http://acs.example/x", "<>"]),
      ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ["OPTIONS *", "<>"]),
      ("BREW / HTTP/1.1\r\nHost:\r\n\r\n", ["OTHER /", "<>"]),
      (
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxPOST /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        ["POST /1", "<x>", "POST /2", "<>"]
      ),
    ])
  func understood(_ text: String, _ events: [String]) {
    let result = parse(text)
    #expect(result.events == events)
    #expect(result.refused == nil)
  }

  @Test(
    "what two servers could read in two ways is refused (RFC 9112 §11.2; Http11Probe's cases)",
    arguments: [
      // Framing
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3 3\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 501),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", 501),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      // Lines and fields
      ("POST / HTTP/1.1\nHost: a\n\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\u{0B}: chunked\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\u{0B}chunked\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nX: a\u{00}b\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417),
      // Request line
      ("POST  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("POST /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("POST / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
      ("POST /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("POST\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("POST acs HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("POST * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("POST /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("POST /ä HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("POST /\r\n\r\n", 400),
      ("POST / HTTP/1.1x\r\nHost: a\r\n\r\n", 400),
      ("POST / http/1.1\r\nHost: a\r\n\r\n", 400),
      ("POST / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
      ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
      ("POST / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
      (" POST / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("\u{16}\u{03}\u{01}\u{02}\u{00}", 400),
    ])
  func refused(_ text: String, _ status: Int) {
    #expect(parse(text).refused == status, "\(text.debugDescription)")
  }

  @Test(
    "chunked framing leaves no room (RFC 9112 §7.1)",
    arguments: [
      "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "3\r\nabc0\r\n\r\n", "\r\n", "x\r\n",
      " 3\r\nabc\r\n", "3 \r\nabc\r\n", "+3\r\nabc\r\n", "-3\r\nabc\r\n", "0x3\r\nabc\r\n", ";x\r\n",
      "1000000000000000\r\n", "3;x\ny\r\nabc\r\n", "3\rx\nabc\r\n", "0\r\nX : y\r\n\r\n", "0\r\n y\r\n\r\n",
      "0\r\nX: \u{00}\r\n\r\n", "0\r\nX: y\n\r\n", "0\r\n\rx",
      "3;\(String(repeating: "x", count: 257))\r\nabc\r\n",
    ])
  func chunksRefused(_ body: String) {
    let result = parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    #expect(result.refused == 400, "\(body.debugDescription)")
  }

  @Test func `limits are told apart: 414 for the line, 431 for head, fields and trailers`() {
    let long = String(repeating: "x", count: 8200)
    #expect(parse("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n").refused == 414)
    #expect(parse("GET / HTTP/1.1\r\nHost: a\r\nX: \(long)\r\nY: \(long)\r\n\r\n").refused == 431)
    // Also without ever ending a line: memory is bounded.
    #expect(parse("GET /\(long)").refused == 414)
    #expect(parse("GET / HTTP/1.1\r\nX: \(long)\(long)").refused == 431)
    let fields = (0..<64).map { "X-\($0): y\r\n" }.joined()
    #expect(parse("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n").refused == 431)
    let trailers = (0..<1000).map { "X-\($0): y\r\n" }.joined()
    #expect(
      parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\(trailers)\r\n").refused == 431)
  }

  @Test func `the same events come however the bytes are cut`() {
    let text =
      "\r\nPOST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"
      + "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;e=f\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"
      + "POST /c HTTP/1.1\r\nHost: a\r\n\r\nGET /d HTTP/1.0\r\n\r\n"
    let bytes = Array(text.utf8)
    let whole = parse([bytes])
    #expect(whole.events == ["POST /a", "<hello>", "POST /b", "<abcde>", "POST /c", "<>", "GET /d", "<>"])
    for cut in 0...bytes.count {
      let result = parse([Array(bytes[..<cut]), Array(bytes[cut...])])
      #expect(result.events == whole.events, "cut at \(cut)")
      #expect(result.refused == nil)
    }
    #expect(parse(bytes.map { [$0] }).events == whole.events)
  }

  @Test func `a refused parser refuses everything after`() {
    var parser = RequestParser()
    var position = 0
    let bytes = Array("bad\r\n".utf8)
    let good = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    #expect(throws: RequestError.self) { try parser.next(bytes.span, from: &position) }
    position = 0
    #expect(throws: RequestError.self) { try parser.next(good.span, from: &position) }
  }

  @Test func `fields are found by their name in lower case, values without the space around them`() throws {
    let head = try head(
      "POST /acs?a=1&b=2 HTTP/1.1\r\nHost: a\r\nCookie: session=1; Path=/ \r\nSOAPAction:\r\ncookie:\t2\r\n\r\n")
    #expect(head["cookie"] == "session=1; Path=/")
    #expect(head.values(of: "cookie") == ["session=1; Path=/", "2"])
    #expect(head["soapaction"] == "")
    #expect(head["authorization"] == nil)
    #expect(head.path == "/acs")
    #expect(head.query == "a=1&b=2")
    #expect(head.announcesBody == false)
    let length = head.withValue(of: "host") { $0.count }
    #expect(length == 1)
  }

  @Test func `an absolute target's path begins behind its authority`() throws {
    #expect(try head("GET http://a:80/x/y?z HTTP/1.1\r\nHost: a\r\n\r\n").path == "/x/y")
    #expect(try head("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").path == "")
    #expect(try head("GET http://a?z HTTP/1.1\r\nHost: a\r\n\r\n").query == nil)
  }

  @Test(
    "a connection lives on by version and option, and close wins",
    arguments: [
      ("HTTP/1.1\r\nHost: a\r\n", true), ("HTTP/1.0\r\n", false),
      ("HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", false),
      ("HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, CLOSE\r\n", false),
      ("HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive\r\n", false),
      ("HTTP/1.0\r\nConnection: keep-alive\r\n", true), ("HTTP/1.1\r\nHost: a\r\nConnection: TE, upgrade\r\n", true),
    ])
  func keepAlive(_ rest: String, _ keeps: Bool) throws {
    #expect(try head("GET / \(rest)\r\n").keepsAlive == keeps)
  }

  @Test func `a wait for 100 is seen, but not in HTTP 1.0`() throws {
    #expect(try head("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n").expectsContinue)
    #expect(try head("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").expectsContinue == false)
  }
}
