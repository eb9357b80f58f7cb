import CWMP
import Cryptography
import EventLog
import Fleet
import HTTP
import Networking
import Operations
import XML

/// One POST on its way in: its body is parsed as it comes once it is known whose it is; when all of it is there, it is
/// handed to the session core.
final class CWMPPost: RequestReceiver {
  var principal: Principal?
  /// Which pending password it proved.
  var pendingMark: [UInt8] = []
  private let gateway: GatewayLoop
  private let listening: CWMPHandler.Listening
  private let cookie: SessionCookie?
  /// Whether the CPE sent the cookie itself.
  private let returnsCookie: Bool
  private let charset: String
  private var body: [UInt8] = []
  /// How much of the body the parser has had.
  private var parsed = 0
  private var parser: EnvelopeParser?
  private var failure: CWMPError?
  /// Why the server refused the body, while it is not known yet whose it was.
  private var refusal: String?
  private var isComplete = false
  private var isOver = false
  private var waiting: SessionCore.Exchange?

  init(
    _ gateway: GatewayLoop, _ listening: CWMPHandler.Listening, cookie: SessionCookie?, returnsCookie: Bool,
    charset: String?
  ) {
    self.gateway = gateway
    self.listening = listening
    self.cookie = cookie
    self.returnsCookie = returnsCookie
    self.charset = charset ?? ""
  }

  // MARK: - From the server

  func body(_ bytes: Span<UInt8>, _ exchange: Exchange) {
    bytes.withUnsafeBufferPointer { body.append(contentsOf: $0) }
    parse()
  }

  func end(_ exchange: Exchange) {
    isComplete = true
    proceed(exchange)
  }

  func abandoned(_ why: Abandonment, _ exchange: Exchange) {
    isOver = true
    recycle()
    if case .refused(let error) = why {
      refusal = "HTTP: \(error.reason)"
      noteRefusal(exchange)
    }
    if let waiting { gateway.gone(waiting) }
  }

  // MARK: - From the look-up

  func proved(_ principal: Principal, _ exchange: Exchange) {
    self.principal = principal
    noteRefusal(exchange)
    proceed(exchange)
  }

  func refuse(_ exchange: Exchange, _ status: HTTPStatus, _ fields: FieldBlock, _ reason: String = "") {
    guard !isOver else { return }
    isOver = true
    recycle()
    exchange.respond(status, fields, reason.isEmpty ? [] : Array((reason + "\n").utf8))
  }

  // MARK: - What it is

  /// Nothing is parsed for somebody unknown. It also keeps the parsers few, and with that in the processor's cache,
  /// when nobody's credential is in the gateway's.
  private func parse() {
    guard principal != nil, failure == nil, !isOver, parsed < body.count else { return }
    let parser = self.parser ?? gateway.parser()
    if self.parser == nil {
      self.parser = parser
      parser.begin(charset: XMLCharset(label: charset))
    }
    do throws(CWMPError) {
      try parser.feed(body.span.extracting(parsed..<body.count))
    } catch {
      failure = error
    }
    parsed = body.count
  }

  private func proceed(_ exchange: Exchange) {
    guard isComplete, !isOver, let principal else { return }
    parse()
    if let cookie, !cookie.allows(principal) {
      gateway.metrics.refused(.identity)
      return refuse(exchange, .forbidden, FieldBlock(), "the session is another device's")
    }
    guard !body.isEmpty else { return empty(exchange) }
    do throws(CWMPError) {
      if let failure { throw failure }
      guard let parser else { return empty(exchange) }
      let envelope = try parser.finish(body: body.span)
      recycle()
      try take(envelope, principal, exchange)
    } catch {
      recycle()
      gateway.metrics.refused(.body)
      gateway.logger.info("body refused") { line in
        line.add(.reason, describing: error)
        line.add(.peer, describing: exchange.peer)
      }
      refusal = error.description
      noteRefusal(exchange)
      switch error.reply {
      case .status(let status):
        refuse(exchange, HTTPStatus(status), FieldBlock("Content-Type", "text/plain"), error.description)
      case .fault(let fault):
        isOver = true
        let reply = GatewayLoop.Reply(id: error.id, namespace: error.namespace)
        exchange.respond(.ok, FieldBlock("Content-Type", "text/xml; charset=utf-8"), CWMPAnswer.fault(fault, reply))
      }
    }
  }

  private func take(_ envelope: Envelope, _ principal: Principal, _ exchange: Exchange) throws(CWMPError) {
    if let inform = envelope.inform { return take(inform, envelope, principal, exchange) }
    guard let cookie else {
      gateway.metrics.refused(.session)
      return refuse(exchange, .badRequest, FieldBlock(), "no session: the first message of a session is an Inform")
    }
    var message = self.message(envelope.request == nil ? .response : .request, cookie, envelope, exchange)
    message.body = body
    let reply = GatewayLoop.Reply(
      id: envelope.id, namespace: CWMPNamespace(minor: cookie.namespaceMinor), request: envelope.request)
    follow(cookie, exchange)
    let pending = GatewayLoop.Pending(exchange: exchange, cookie: cookie, reply: reply)
    isOver = true
    waiting =
      envelope.request == nil ? gateway.response(pending, message) : gateway.request(pending, message)
    isOver = false
  }

  /// The connection carries the session: alone, where its CPE returns no cookie.
  private func follow(_ cookie: SessionCookie, _ exchange: Exchange) {
    exchange.connection.attachment = FollowedSession(cookie)
    exchange.connection.outlivesRetirement = listening.followsConnection && !returnsCookie
  }

  private func empty(_ exchange: Exchange) {
    guard let cookie else {
      gateway.metrics.refused(.session)
      return refuse(exchange, .badRequest, FieldBlock(), "no session: an empty POST needs the session's cookie")
    }
    follow(cookie, exchange)
    let post = SessionCore.Post(device: cookie.device, session: cookie.session, waits: cookie.waits)
    let pending = GatewayLoop.Pending(
      exchange: exchange, cookie: cookie,
      reply: GatewayLoop.Reply(id: nil, namespace: CWMPNamespace(minor: cookie.namespaceMinor)))
    waiting = gateway.empty(pending, post, peer: exchange.peer.ip.description)
  }

  // MARK: - Informs

  /// A new session: who authenticates must be who informs (item 112).
  private func take(_ inform: Inform, _ envelope: Envelope, _ principal: Principal, _ exchange: Exchange) {
    let device = inform.deviceID.id
    switch principal {
    case .device(let owner, _) where owner != device:
      gateway.metrics.refused(.identity)
      gateway.logger.warning("credential of another device") { line in
        line.add(.device, describing: device)
        line.add(.peer, describing: exchange.peer)
      }
      refuse(exchange, .forbidden, FieldBlock(), "the credential is another device's")
    case .bootstrap: checkBootstrap(inform, envelope, device, exchange)
    default: begin(inform, envelope, device, principal, exchange)
    }
  }

  /// Bootstrap is for devices that have no credential of their own, or are readmitted; others are held (section 5).
  private func checkBootstrap(_ inform: Inform, _ envelope: Envelope, _ device: UUID128, _ exchange: Exchange) {
    gateway.credentials.read(device: device) { [self] found in
      guard !isOver else { return }
      switch found {
      case .nothing: begin(inform, envelope, device, .bootstrap, exchange)
      case .unavailable:
        gateway.metrics.refused(.database)
        refuse(
          exchange, .serviceUnavailable, FieldBlock("Retry-After", String(gateway.admission.retryAfter())))
      case .credential(let credential):
        if credential.secret == nil || gateway.clock.now < credential.readmitUntil {
          return begin(inform, envelope, device, .bootstrap, exchange)
        }
        gateway.metrics.refused(.held)
        gateway.credentials.noteHeld(device, peer: exchange.peer.ip.description)
        gateway.logger.warning("device held: bootstrap though it has its own credential") { line in
          line.add(.device, describing: device)
          line.add(.peer, describing: exchange.peer)
        }
        refuse(exchange, .unauthorized, FieldBlock())
      }
    }
  }

  private func begin(
    _ inform: Inform, _ envelope: Envelope, _ device: UUID128, _ principal: Principal, _ exchange: Exchange
  ) {
    var version: CWMPVersion?
    if !envelope.header.supportedVersions.isEmpty {
      version = CWMPVersion.common(with: envelope.header.supportedVersions)
      // Item 43.
      if version == nil { return answer(.versionIncompatible, envelope, exchange) }
    }
    let events = inform.events.map { CPEMessage.Event(code: $0.code.description, commandKey: $0.commandKey) }
    let kind = SessionClass(events)
    guard gateway.admission.admit(kind, bytes: body.count) else {
      gateway.metrics.refused(.overload)
      return refuse(
        exchange, .serviceUnavailable, FieldBlock("Retry-After", String(gateway.admission.retryAfter())))
    }
    let now = gateway.clock.now
    let cookie = SessionCookie(
      session: gateway.ids.next(milliseconds: now / 1000), device: device, namespaceMinor: envelope.namespace.minor,
      authentication: principal.authentication,
      waits: gateway.admission.waits(kind, latency: gateway.latency, now: now), issuedAt: now / 1_000_000,
      sessionTimeout: envelope.header.sessionTimeout ?? 0)
    var message = self.message(.inform, cookie, envelope, exchange)
    message.waits = cookie.waits
    message.pendingMark = pendingMark
    message.retryCount = inform.retryCount
    message.events = events
    inform.digestInput { gateway.hasher.update($0) }
    // Another address is news too: connection requests go to where the last Inform came from.
    gateway.hasher.update(Array(message.peer.utf8))
    message.digest = gateway.hasher.finish().bytes
    message.body = body
    follow(cookie, exchange)
    let reply = GatewayLoop.Reply(id: envelope.id, namespace: envelope.namespace, version: version)
    let pending = GatewayLoop.Pending(exchange: exchange, cookie: cookie, reply: reply, admitted: body.count)
    waiting = gateway.inform(pending, message)
  }

  private func answer(_ fault: CWMPFault, _ envelope: Envelope, _ exchange: Exchange) {
    isOver = true
    let reply = GatewayLoop.Reply(id: envelope.id, namespace: envelope.namespace)
    exchange.respond(.ok, FieldBlock("Content-Type", "text/xml; charset=utf-8"), CWMPAnswer.fault(fault, reply))
  }

  // MARK: - Parts

  private func message(
    _ kind: CPEMessage.Kind, _ cookie: SessionCookie, _ envelope: Envelope, _ exchange: Exchange
  ) -> CPEMessage {
    var message = CPEMessage(kind, device: cookie.device, session: cookie.session)
    message.cwmpID = envelope.id ?? []
    message.method = envelope.method
    message.namespaceMinor = cookie.namespaceMinor
    message.charset = charset
    message.peer = exchange.peer.ip.description
    message.authentication = cookie.authentication
    message.sessionTimeout = envelope.header.sessionTimeout ?? 0
    return message
  }

  /// A body that was refused in an established session: its attempt must not be taken for one that got no answer.
  private func noteRefusal(_ exchange: Exchange) {
    guard let refusal, let cookie, waiting == nil, let principal, cookie.allows(principal) else { return }
    self.refusal = nil
    var message = CPEMessage(.response, device: cookie.device, session: cookie.session)
    message.refused = refusal
    message.peer = exchange.peer.ip.description
    gateway.tell(message)
  }

  private func recycle() {
    if let parser { gateway.recycle(parser) }
    parser = nil
  }
}

extension SessionCookie {
  /// Whether who speaks now is who the session was begun by.
  func allows(_ principal: Principal) -> Bool {
    switch principal {
    case .device(let device, _): device == self.device
    case .bootstrap: authentication == .bootstrap
    case .anybody: authentication == .none
    }
  }
}
