/// What a parser has found next.
public enum RequestEvent: Hashable, Sendable {
  /// All input is used up.
  case needMore
  /// The head is complete: read it from the parser.
  case head
  /// Bytes of the body, as a range of the input.
  case body(Range<Int>)
  /// The message is complete. The next call begins another one.
  case end
}

/// A strict HTTP/1.1 request parser: bytes in, events out, no I/O (RFC 9112).
///
/// Whatever could be read in two ways by two servers is refused (request smuggling): a length beside a transfer coding,
/// lengths that are repeated, listed, signed or spaced, codings other than `chunked`, folded lines, bare CR or LF,
/// space before a colon, chunk sizes with anything around them.
public struct RequestParser: Sendable {
  private enum State: UInt8 {
    case idle, emptyLine, requestLine, fieldLine, headEnded, body, chunkedBody, failed
  }

  /// The present request's line and fields; complete from ``RequestEvent/head`` on until the next request begins.
  public private(set) var head = RequestHead()

  private var limits: RequestLimits
  private var state = State.idle
  private var remaining = 0
  private var chunks = ChunkedBody()
  private var sawHost = false
  private var sawTransferEncoding = false
  private var sawClose = false

  /// A parser at the beginning of a connection.
  public init(limits: RequestLimits = RequestLimits()) {
    self.limits = limits
    // Positions in the head are kept in 16 bits.
    self.limits.head = min(limits.head, Int(UInt16.max))
  }

  /// Whether nothing of a request has come yet since the last one ended.
  public var isIdle: Bool { state == .idle }

  /// Finds the next event in `input` from `position` on, and moves `position` behind what it used.
  ///
  /// - Throws: `RequestError` with the status to answer with; the connection must then be closed, as its framing is
  ///   lost.
  public mutating func next(_ input: Span<UInt8>, from position: inout Int) throws(RequestError) -> RequestEvent {
    do throws(RequestError) {
      return try advance(input, &position)
    } catch {
      state = .failed
      throw error
    }
  }

  private mutating func advance(_ input: Span<UInt8>, _ position: inout Int) throws(RequestError) -> RequestEvent {
    while true {
      switch state {
      case .failed:
        throw RequestError(.badRequest, "bytes after a refused request")
      case .idle:
        guard position < input.count else { return .needMore }
        try begin(with: input[position])
      case .emptyLine, .requestLine:
        let limit = min(limits.requestLine, limits.head)
        let line = try head.lines.takeLine(input, &position, limit: limit, tooLong: .uriTooLong)
        guard let line else { return .needMore }
        try takeFirstLine(line)
      case .fieldLine:
        let line = try head.lines.takeLine(input, &position, limit: limits.head, tooLong: .headerFieldsTooLarge)
        guard let line else { return .needMore }
        if try takeFieldLine(line) { return .head }
      case .headEnded:
        remaining = head.contentLength ?? 0
        chunks = ChunkedBody()
        state = head.isChunked ? .chunkedBody : .body
      case .body:
        return takeBody(input, &position)
      case .chunkedBody:
        let event = try chunks.next(input, &position, limits: limits)
        if event == .end { state = .idle }
        return event
      }
    }
  }

  private mutating func begin(with byte: UInt8) throws(RequestError) {
    head.reset()
    (sawHost, sawTransferEncoding, sawClose) = (false, false, false)
    // One empty line before a request is forgiven (RFC 9112 §2.2), no more.
    guard byte.isToken || byte == 0x0D else { throw RequestError(.badRequest, "not an HTTP request") }
    state = byte == 0x0D ? .emptyLine : .requestLine
  }

  private mutating func takeFirstLine(_ line: Range<Int>) throws(RequestError) {
    if state == .emptyLine {
      guard line.isEmpty else { throw RequestError(.badRequest, "not an HTTP request") }
      head.reset()
      state = .requestLine
    } else {
      head.take(try RequestLine(head.lines.bytes.span.extracting(line)), at: line.lowerBound)
      state = .fieldLine
    }
  }

  /// True when the head is complete.
  private mutating func takeFieldLine(_ line: Range<Int>) throws(RequestError) -> Bool {
    if line.isEmpty {
      try checkHead()
      state = .headEnded
      return true
    }
    let (name, value) = try head.lines.takeField(line, limit: limits.fields)
    let field = try FramingField(name, value, in: head.lines.bytes.span)
    try note(field)
    return false
  }

  private mutating func note(_ field: FramingField) throws(RequestError) {
    switch field {
    case .none:
      break
    case .host:
      guard !sawHost else { throw RequestError(.badRequest, "more than one Host") }
      sawHost = true
    case .expectation(let isContinue):
      guard head.minorVersion == 1 else { return }
      guard isContinue else { throw RequestError(.expectationFailed, "an Expect other than 100-continue") }
      head.expectsContinue = true
    case .connection(let keepsAlive):
      if let keepsAlive { head.keepsAlive = keepsAlive && !sawClose }
      if keepsAlive == false { sawClose = true }
    case .contentLength(let length):
      guard head.contentLength == nil else { throw RequestError(.badRequest, "more than one Content-Length") }
      head.contentLength = length
    case .transferEncoding(let isChunked):
      guard !sawTransferEncoding else { throw RequestError(.badRequest, "more than one Transfer-Encoding") }
      guard isChunked else { throw RequestError(.notImplemented, "a Transfer-Encoding other than chunked") }
      sawTransferEncoding = true
      head.isChunked = true
    }
  }

  private func checkHead() throws(RequestError) {
    if !sawHost && head.minorVersion == 1 { throw RequestError(.badRequest, "no Host") }
    if sawTransferEncoding && head.contentLength != nil {
      throw RequestError(.badRequest, "both Content-Length and Transfer-Encoding")
    }
    if sawTransferEncoding && head.minorVersion == 0 {
      throw RequestError(.badRequest, "Transfer-Encoding in HTTP/1.0")
    }
  }

  private mutating func takeBody(_ input: Span<UInt8>, _ position: inout Int) -> RequestEvent {
    guard remaining > 0 else {
      state = .idle
      return .end
    }
    guard position < input.count else { return .needMore }
    let range = position..<(position + min(remaining, input.count - position))
    remaining -= range.count
    position = range.upperBound
    return .body(range)
  }
}
