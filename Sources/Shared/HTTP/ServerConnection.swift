public import Networking

/// One client's connection to an ``HTTPServer``: reads one request at a time, hands it on, writes the answer (item 18).
public final class ServerConnection: ConnectionDelegate {
  private enum Phase {
    /// Between requests, or in a head.
    case head
    /// A request is under way, its body not yet complete.
    case body
    /// The answer is out, the rest of the request's body is read and dropped.
    case draining
    /// The request is complete, the answer is awaited; bytes of a next request stay where they are.
    case waiting
    /// The answer's body is being sent from its source.
    case streaming
    /// Closing.
    case over
  }

  private struct Stream {
    var source: any BodySource
    var left: Int
    var closes: Bool
  }

  /// A number of its own within the server.
  public let identity: UInt64
  /// Any object of the service's, such as a session that is followed by its connection.
  public var attachment: AnyObject?
  /// Whether it is needed for more than its next answer, though the server retires: there is something that only this
  /// connection carries.
  public var outlivesRetirement = false
  /// The requests begun on it.
  public private(set) var requestCount = 0

  private let server: HTTPServer
  private let connection: Connection
  private var parser: RequestParser
  private(set) var current: Exchange?
  private var phase = Phase.head
  private var suspended = false
  private var owesContinue = false
  private var stream: Stream?
  /// How much more of an answered request's body may come.
  private var drainable = 0
  /// Responses may pile up to here before no further request is read.
  private static let mostUnsent = 262_144

  // One timer; what it waits for moves on without touching it, and it is set anew when it fires early.
  private var timer: LoopTimer?
  private var timerEnd = ContinuousClock.now
  private var deadline: ContinuousClock.Instant?
  private var bodyBegan: ContinuousClock.Instant?

  init(_ server: HTTPServer, _ connection: Connection, identity: UInt64) {
    self.server = server
    self.connection = connection
    self.identity = identity
    parser = RequestParser(limits: server.configuration.limits)
  }

  /// The client's address, as told by the PROXY protocol where that is in use.
  public var peer: SocketAddress { connection.peer }

  /// Our end's address, where known.
  public var local: SocketAddress? { connection.local }

  /// Whether it is TLS.
  public var isTLS: Bool { connection.isTLS }

  var head: RequestHead { parser.head }

  // MARK: - What the connection tells

  /// Part of `ConnectionDelegate`.
  public func connected(_ connection: Connection) {
    setDeadline(server.configuration.headDeadline)
  }

  /// Part of `ConnectionDelegate`.
  public func received(_ bytes: Span<UInt8>, _ connection: Connection) -> Int {
    var position = 0
    do throws(RequestError) {
      while (phase == .head || phase == .body || phase == .draining) && !suspended {
        if connection.unsentBytes >= Self.mostUnsent {
          connection.pauseReading()
          break
        }
        let wasIdle = parser.isIdle
        let event = try parser.next(bytes, from: &position)
        if event == .needMore {
          if wasIdle && !parser.isIdle { setDeadline(server.configuration.headDeadline) }
          break
        }
        take(event, bytes)
      }
    } catch {
      refuse(error)
      return bytes.count
    }
    if phase == .over { return bytes.count }
    if phase == .body { extendBodyDeadline() }
    return position
  }

  /// Part of `ConnectionDelegate`: who closes its half while an answer is awaited is taken as gone, as a close looks
  /// the same.
  public func receivedEnd(_ connection: Connection) { connection.close() }

  /// Part of `ConnectionDelegate`.
  public func drained(_ connection: Connection) {
    if phase == .streaming { return pump() }
    if phase == .head { setDeadline(server.configuration.idleDeadline) }
    if !suspended { connection.resumeReading() }
  }

  /// Part of `ConnectionDelegate`.
  public func ended(_ connection: Connection, _ why: ConnectionEnd) {
    phase = .over
    timer?.cancel()
    timer = nil
    abandon(.gone)
    server.forget(self)
  }

  // MARK: - One request

  private func take(_ event: RequestEvent, _ bytes: Span<UInt8>) {
    switch event {
    case .needMore: break
    case .head: begin()
    case .body(let range): takeBody(bytes.extracting(range))
    case .end: end()
    }
  }

  private func begin() {
    requestCount += 1
    let exchange = Exchange(connection: self)
    current = exchange
    phase = .body
    bodyBegan = nil
    owesContinue = parser.head.expectsContinue && parser.head.announcesBody
    switch server.service.begin(parser.head, exchange) {
    case .refuse(let status, let fields, let body):
      exchange.respond(status, fields, body)
    case .accept(let receiver, let bodyLimit):
      // The service may have answered already.
      guard current === exchange else { return }
      exchange.receiver = receiver
      exchange.bodyLimit = max(bodyLimit, exchange.bodyLimit)
      guard (parser.head.contentLength ?? 0) <= exchange.bodyLimit else { return refuse(Self.tooLarge) }
      if !suspended { askForBody() }
    }
  }

  private func askForBody() {
    guard phase == .body, owesContinue else { return }
    owesContinue = false
    connection.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
  }

  private func takeBody(_ bytes: Span<UInt8>) {
    guard let exchange = current else {
      drainable -= bytes.count
      return drainable < 0 ? finish() : ()
    }
    owesContinue = false
    exchange.bodyBytes += bytes.count
    guard exchange.bodyBytes <= exchange.bodyLimit else { return refuse(Self.tooLarge) }
    exchange.receiver?.body(bytes, exchange)
  }

  private func end() {
    guard let exchange = current else { return becomeIdle() }
    phase = .waiting
    deadline = nil
    exchange.receiver?.end(exchange)
  }

  private static let tooLarge = RequestError(.contentTooLarge, "body larger than allowed")

  /// Answers a request that the server itself cannot accept, and closes.
  private func refuse(_ error: RequestError) {
    guard phase != .over else { return }
    // What is wrong with the rest of a request that has its answer gets no second one.
    guard phase != .draining else { return finish() }
    server.onRefusal(error.status)
    let exchange = current
    current = nil
    write(error.status, FieldBlock("Content-Type", "text/plain"), Array((error.reason + "\n").utf8).span, closing: true)
    finish()
    if let receiver = exchange?.receiver {
      exchange?.receiver = nil
      if let exchange { receiver.abandoned(.refused(error), exchange) }
    }
  }

  private func abandon(_ why: Abandonment) {
    guard let exchange = current else { return }
    current = nil
    let receiver = exchange.receiver
    exchange.receiver = nil
    receiver?.abandoned(why, exchange)
  }

  // MARK: - What the exchange asks for

  func respond(_ status: HTTPStatus, _ fields: FieldBlock, _ body: Span<UInt8>) {
    guard let exchange = current else { return }
    let after = phaseAfterAnswer(exchange)
    write(status, fields, body, closing: after == .over)
    current = nil
    exchange.receiver = nil
    suspended = false
    switch after {
    case .over: return finish()
    case .draining:
      phase = .draining
      setDeadline(server.configuration.headDeadline)
    default:
      // Answered at the head of a request without body: the parser's end is still to come.
      if phase == .body { skipEnd() }
      becomeIdle()
    }
    connection.resumeReading()
  }

  /// `.over` to close, `.draining` to read on past the body, `.head` to take the next request.
  private func phaseAfterAnswer(_ exchange: Exchange) -> Phase {
    let configuration = server.configuration
    if !parser.head.keepsAlive || exchange.closesConnection || endsByRetirement { return .over }
    if requestCount >= configuration.requestsPerConnection { return .over }
    guard phase == .body, parser.head.announcesBody else { return .head }
    // A client that waits for 100 may or may not send its body now: where the next request begins cannot be known.
    if owesContinue { return .over }
    drainable = configuration.drainLimit
    return (parser.head.contentLength ?? 0) - exchange.bodyBytes <= drainable ? .draining : .over
  }

  private var endsByRetirement: Bool { server.isRetiring && !outlivesRetirement }

  private func becomeIdle() {
    phase = .head
    setDeadline(connection.unsentBytes > 0 ? server.configuration.writeDeadline : server.configuration.idleDeadline)
  }

  /// Answers with a body that is sent as fast as the client takes it.
  func respond(_ status: HTTPStatus, _ fields: FieldBlock, from source: any BodySource) {
    guard let exchange = current else { return }
    let unread = phase == .body && parser.head.announcesBody
    let after = unread ? .over : phaseAfterAnswer(exchange)
    let isHead = parser.head.method == .head
    writeHead(status, fields, length: source.length, closing: after == .over)
    current = nil
    exchange.receiver = nil
    suspended = false
    if phase == .body && !unread { skipEnd() }
    phase = .streaming
    stream = isHead ? nil : Stream(source: source, left: source.length, closes: after == .over)
    if stream == nil { return endStream(closes: after == .over) }
    pump()
  }

  /// Sends until the kernel takes no more, or enough for one turn.
  private func pump() {
    var turn = 1 << 20
    while phase == .streaming, connection.isOpen, var stream {
      guard stream.left > 0 else { return endStream(closes: stream.closes) }
      guard connection.unsentBytes == 0, turn > 0 else { break }
      let piece = stream.source.next(min(stream.left, 65536))
      // The length has been promised: a source that cannot keep it leaves only the end of the connection.
      guard !piece.isEmpty, piece.count <= stream.left else { return connection.close() }
      stream.left -= piece.count
      turn -= piece.count
      self.stream = stream
      connection.write(piece)
    }
    // The connection may have ended before this turn, or in it: then nothing is awaited any more.
    guard phase == .streaming else { return }
    setDeadline(server.configuration.writeDeadline)
    if turn <= 0 && connection.unsentBytes == 0 {
      let this = LoopBound(self, on: server.loop)
      server.loop.post { this.value.pump() }
    }
  }

  private func endStream(closes: Bool) {
    stream = nil
    if closes { return finish() }
    becomeIdle()
    connection.resumeReading()
  }

  func abort() {
    current?.receiver = nil
    current = nil
    phase = .over
    connection.close()
  }

  func suspendReading() {
    suspended = true
    deadline = nil
    connection.pauseReading()
  }

  func resumeReading() {
    guard suspended else { return }
    suspended = false
    askForBody()
    extendBodyDeadline()
    connection.resumeReading()
  }

  /// Lets the connection end with the present exchange, or now if it had its answers and waits for nothing. One whose
  /// first request is still on its way gets its answer.
  func drain() {
    guard current == nil, phase == .head, parser.isIdle, requestCount > 0, !outlivesRetirement else { return }
    finish()
  }

  func closeForShutdown() {
    abandon(.shutdown)
    phase = .over
    connection.close()
  }

  // MARK: - Writing

  private func write(_ status: HTTPStatus, _ fields: FieldBlock, _ body: Span<UInt8>, closing: Bool) {
    renderHead(status, fields, length: body.count, closing: closing)
    let hasBody = parser.head.method != .head && !status.isBodyless
    // Small bodies leave in one piece with the head, large ones are not worth a copy.
    let joins = body.count <= 16384
    if hasBody && joins { server.scratch.append(body) }
    sendScratch()
    if hasBody && !joins { connection.write(body) }
  }

  private func writeHead(_ status: HTTPStatus, _ fields: FieldBlock, length: Int, closing: Bool) {
    renderHead(status, fields, length: length, closing: closing)
    sendScratch()
  }

  private func renderHead(_ status: HTTPStatus, _ fields: FieldBlock, length: Int, closing: Bool) {
    ResponseWriter.begin(status, bodyLength: length, into: &server.scratch)
    if closing {
      server.scratch.append("Connection: close\r\n")
    } else if parser.head.minorVersion == 0 {
      // A client of HTTP/1.0 expects a close unless told otherwise.
      server.scratch.append("Connection: keep-alive\r\n")
    }
    if server.configuration.sendsDate { server.dateLine.append(to: &server.scratch) }
    server.scratch.append(contentsOf: fields.bytes)
    server.scratch.append("\r\n")
  }

  private func sendScratch() {
    let bytes = server.scratch
    server.scratch = []
    connection.write(bytes.span)
    server.scratch = bytes
    server.scratch.removeAll(keepingCapacity: true)
  }

  private func skipEnd() {
    var nowhere = 0
    let nothing: [UInt8] = []
    _ = try? parser.next(nothing.span, from: &nowhere)
  }

  /// No further request on this connection.
  private func finish() {
    phase = .over
    deadline = nil
    connection.closeAfterFlush(lingering: true)
  }

  // MARK: - Deadlines

  private func setDeadline(_ length: Duration) {
    let end = server.loop.now + length
    deadline = end
    if timer == nil || end < timerEnd { arm(end, length) }
  }

  private func extendBodyDeadline() {
    guard phase == .body, !suspended, let exchange = current else { return }
    let configuration = server.configuration
    let began = bodyBegan ?? server.loop.now
    bodyBegan = began
    let earned = configuration.bodyGrace + .seconds(exchange.bodyBytes) / max(1, configuration.bodyMinimumRate)
    let end = min(began + min(earned, configuration.bodyDeadline), server.loop.now + configuration.bodySilence)
    deadline = end
    if timer == nil || end < timerEnd { arm(end, end - server.loop.now) }
  }

  private func arm(_ end: ContinuousClock.Instant, _ length: Duration) {
    timerEnd = end
    if let timer { return timer.restart(after: length) }
    timer = server.loop.schedule(after: length) { [weak self] in self?.timerFired() }
  }

  private func timerFired() {
    guard let deadline else {
      // Nothing to wait for now; look again later rather than set a timer for each request.
      return arm(server.loop.now + .seconds(10), .seconds(10))
    }
    let left = deadline - server.loop.now
    if left > .zero { return arm(deadline, max(left, .milliseconds(1))) }
    deadlinePassed()
  }

  private func deadlinePassed() {
    switch phase {
    case .over: return
    case .body: refuse(RequestError(.requestTimeout, "body too slow"))
    case .draining: finish()
    case .head where !parser.isIdle: refuse(RequestError(.requestTimeout, "head too slow"))
    case .head, .waiting, .streaming: connection.close()
    }
  }
}
