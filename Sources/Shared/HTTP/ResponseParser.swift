/// An HTTP/1.1 response parser for clients: bytes in, events out, no I/O. Interim responses (1xx) are passed over, but
/// for ``sawContinue``.
public struct ResponseParser: Sendable {
  private enum State: UInt8 {
    case idle, statusLine, fieldLine, headEnded, body, bodyToEnd, chunkedBody, failed
  }

  /// The present response's status and fields, from ``RequestEvent/head`` on until the next one begins.
  public private(set) var head = ResponseHead()
  /// Set it when the request was HEAD: its response has no body whatever its fields say.
  public var answersHead = false
  /// Whether a 100 (Continue) has come since the last final response.
  public private(set) var sawContinue = false

  private var limits = RequestLimits()
  private var state = State.idle
  private var remaining = 0
  private var chunks = ChunkedBody()
  private var sawTransferEncoding = false

  /// A parser at the beginning of a connection.
  public init() {}

  /// Whether nothing of a response has come yet since the last one ended.
  public var isIdle: Bool { state == .idle }

  /// Finds the next event in `input` from `position` on, and moves `position` behind what it used.
  ///
  /// - Throws: `RequestError` with the reason; the connection must then be closed.
  public mutating func next(_ input: Span<UInt8>, from position: inout Int) throws(RequestError) -> RequestEvent {
    do throws(RequestError) {
      return try advance(input, &position)
    } catch {
      state = .failed
      throw error
    }
  }

  /// The server has closed: `.end` if that ends a response, `.needMore` if none was under way.
  ///
  /// - Throws: `RequestError` if a response is cut short.
  public mutating func inputEnded() throws(RequestError) -> RequestEvent {
    switch state {
    case .idle: return .needMore
    case .bodyToEnd:
      state = .idle
      return .end
    default: throw RequestError(.badRequest, "response cut short")
    }
  }

  private mutating func advance(_ input: Span<UInt8>, _ position: inout Int) throws(RequestError) -> RequestEvent {
    while true {
      switch state {
      case .failed:
        throw RequestError(.badRequest, "bytes after a malformed response")
      case .idle:
        guard position < input.count else { return .needMore }
        head.reset()
        sawTransferEncoding = false
        state = .statusLine
      case .statusLine, .fieldLine:
        let line = try head.lines.takeLine(input, &position, limit: limits.head, tooLong: .badRequest)
        guard let line else { return .needMore }
        if try takeLine(line) { return .head }
      case .headEnded:
        beginBody()
      case .body:
        guard remaining > 0 else { return end() }
        guard position < input.count else { return .needMore }
        let range = position..<(position + min(remaining, input.count - position))
        remaining -= range.count
        position = range.upperBound
        return .body(range)
      case .bodyToEnd:
        guard position < input.count else { return .needMore }
        defer { position = input.count }
        return .body(position..<input.count)
      case .chunkedBody:
        let event = try chunks.next(input, &position, limits: limits)
        return event == .end ? end() : event
      }
    }
  }

  private mutating func end() -> RequestEvent {
    state = .idle
    sawContinue = false
    return .end
  }

  /// True when the head of a final response is complete.
  private mutating func takeLine(_ line: Range<Int>) throws(RequestError) -> Bool {
    if state == .statusLine {
      let (status, minorVersion) = try Self.status(head.lines.bytes.span.extracting(line))
      head.status = status
      head.keepsAlive = minorVersion == 1
      state = .fieldLine
      return false
    }
    if line.isEmpty {
      if head.status.rawValue < 200 {
        sawContinue = sawContinue || head.status.rawValue == 100
        state = .idle
        return false
      }
      state = .headEnded
      return true
    }
    let (name, value) = try head.lines.takeField(line, limit: limits.fields)
    let field = try FramingField(name, value, in: head.lines.bytes.span)
    switch field {
    case .contentLength(let length): head.contentLength = length
    case .transferEncoding(let isChunked):
      guard isChunked else { throw RequestError(.notImplemented, "a Transfer-Encoding other than chunked") }
      head.isChunked = true
    case .connection(let keepsAlive): head.keepsAlive = keepsAlive ?? head.keepsAlive
    default: break
    }
    return false
  }

  private mutating func beginBody() {
    chunks = ChunkedBody()
    remaining = head.contentLength ?? 0
    if answersHead || head.status.isBodyless {
      remaining = 0
      state = .body
    } else if head.isChunked {
      state = .chunkedBody
    } else if head.contentLength != nil {
      state = .body
    } else {
      head.keepsAlive = false
      state = .bodyToEnd
    }
  }

  private static func status(_ line: Span<UInt8>) throws(RequestError) -> (HTTPStatus, minorVersion: UInt8) {
    guard line.count >= 12, line.extracting(0..<7).equals("HTTP/1."), line[7] &- 0x30 < 10, line[8] == 0x20,
      line.count == 12 || line[12] == 0x20
    else { throw RequestError(.badRequest, "malformed status line") }
    var code = 0
    for index in 9..<12 {
      guard line[index] &- 0x30 < 10 else { throw RequestError(.badRequest, "malformed status line") }
      code = code * 10 + Int(line[index] - 0x30)
    }
    guard code >= 100 else { throw RequestError(.badRequest, "malformed status line") }
    return (HTTPStatus(code), line[7] == 0x30 ? 0 : 1)
  }
}
