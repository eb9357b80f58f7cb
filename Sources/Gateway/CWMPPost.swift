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
///
/// While it lives it counts: its body among the bytes in memory, itself among its device's POSTs.
final class CWMPPost: RequestReceiver {
  /// What an answer 415 says can be read (item 21).
  static let identityOnly = FieldBlock("Accept-Encoding", "identity")

  /// Which pending password it proved.
  var pendingMark: [UInt8] = []
  private let gateway: GatewayLoop
  private let listening: CWMPHandler.Listening
  private let cookie: SessionCookie?
  /// Whether the CPE sent the cookie itself.
  private let returnsCookie: Bool
  /// Whether its body is in a coding that is read here.
  private let isReadable: Bool
  private let charset: String
  private var speaker: Speaker?
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
  /// The device whose POST it counts as.
  private var counted: UUID128?
  /// The device whose large body it counts as.
  private var countedLarge: UUID128?

  /// - Parameter cookie: of its session, whose device has begun a POST in the loop's ``DevicePosts``.
  init(
    _ gateway: GatewayLoop, _ listening: CWMPHandler.Listening, cookie: SessionCookie?, returnsCookie: Bool,
    isReadable: Bool, contentType: String?
  ) {
    self.gateway = gateway
    self.listening = listening
    self.cookie = cookie
    self.returnsCookie = returnsCookie
    self.isReadable = isReadable
    charset = contentType.map { XMLCharset.label(inContentType: $0) } ?? ""
    counted = cookie?.device
  }

  deinit {
    dropBody()
    if let counted { gateway.posts.end(counted) }
  }

  // MARK: - From the server

  func body(_ bytes: Span<UInt8>, _ exchange: Exchange) {
    guard !isOver, takes(bytes.count, exchange) else { return }
    bytes.withUnsafeBufferPointer { body.append(contentsOf: $0) }
    gateway.admission.take(bytes: bytes.count)
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
    dropBody()
    if let waiting { gateway.gone(waiting) }
  }

  // MARK: - Room

  /// Whether more of the body is taken. A POST of a session is refused for want of memory only where its body is large,
  /// and a device has one such at a time (docs/architecture.md, section 2.5).
  private func takes(_ count: Int, _ exchange: Exchange) -> Bool {
    let isLarge = body.count + count > listening.unauthenticatedBody
    if isLarge, countedLarge == nil {
      let device = cookie?.device ?? speaker?.informer?.device ?? .zero
      guard gateway.posts.beginLarge(device) else {
        gateway.metrics.refused(.parallel)
        refuse(exchange, .serviceUnavailable, gateway.retryLater)
        return false
      }
      countedLarge = device
    }
    guard gateway.admission.isFull, isLarge || cookie == nil else { return true }
    gateway.metrics.refused(.overload)
    refuse(exchange, .serviceUnavailable, gateway.retryLater)
    return false
  }

  private func dropBody() {
    gateway.admission.drop(bytes: body.count)
    body = []
    if let countedLarge { gateway.posts.endLarge(countedLarge) }
    countedLarge = nil
  }

  // MARK: - From who checks credentials

  /// It is known who speaks.
  func heard(_ speaker: Speaker, _ exchange: Exchange) {
    self.speaker = speaker
    guard !isOver else { return noteRefusal(exchange) }
    if let informer = speaker.informer, informer != .anybody {
      let carried = carried(by: exchange)
      if pendingMark.isEmpty, carried.proved == informer { pendingMark = carried.pendingMark }
      (carried.proved, carried.pendingMark) = (informer, pendingMark)
    }
    guard isReadable else {
      gateway.metrics.refused(.encoding)
      refusal = "HTTP: content encoding"
      noteRefusal(exchange)
      return refuse(exchange, .unsupportedMediaType, Self.identityOnly)
    }
    noteRefusal(exchange)
    exchange.resumeReading()
    proceed(exchange)
  }

  /// Nothing proves who speaks.
  func refuseUnproved(_ exchange: Exchange, isStale: Bool) {
    gateway.metrics.refused(.authentication)
    refuse(exchange, .unauthorized, gateway.challenges(listening.authentication, isStale: isStale))
  }

  /// Who speaks cannot be read now.
  func refuseUnread(_ exchange: Exchange) {
    gateway.metrics.refused(.database)
    refuse(exchange, .serviceUnavailable, gateway.retryLater)
  }

  private func refuse(_ exchange: Exchange, _ status: HTTPStatus, _ fields: FieldBlock, _ reason: String = "") {
    guard !isOver else { return }
    isOver = true
    recycle()
    dropBody()
    exchange.respond(status, fields, reason.isEmpty ? [] : Array((reason + "\n").utf8))
  }

  // MARK: - What it is

  /// Nothing is parsed for somebody unknown. It also keeps the parsers few, and with that in the processor's cache,
  /// when nobody's credential is in the gateway's.
  private func parse() {
    guard speaker != nil, failure == nil, !isOver, parsed < body.count else { return }
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
    guard isComplete, !isOver, let speaker else { return }
    parse()
    guard !body.isEmpty else { return empty(speaker.principal, exchange) }
    do throws(CWMPError) {
      if let failure { throw failure }
      guard let parser else { return }
      let envelope = try parser.finish(body: body.span)
      recycle()
      take(envelope, speaker, exchange)
    } catch {
      refuse(exchange, error)
    }
  }

  private func refuse(_ exchange: Exchange, _ error: CWMPError) {
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
      recycle()
      let reply = GatewayLoop.Reply(id: error.id, namespace: error.namespace)
      exchange.respond(.ok, FieldBlock("Content-Type", "text/xml; charset=utf-8"), CWMPAnswer.fault(fault, reply))
    }
  }

  private func take(_ envelope: Envelope, _ speaker: Speaker, _ exchange: Exchange) {
    if let inform = envelope.inform { return take(inform, envelope, speaker, exchange) }
    guard let cookie = session(speaker.principal, exchange, "the first message of a session is an Inform") else {
      return
    }
    var message = self.message(envelope.request == nil ? .response : .request, cookie, envelope, exchange)
    message.body = body
    let reply = GatewayLoop.Reply(
      id: envelope.id, namespace: CWMPNamespace(minor: cookie.namespaceMinor), request: envelope.request)
    follow(cookie, exchange)
    let pending = GatewayLoop.Pending(exchange: exchange, cookie: cookie, reply: reply)
    waiting = envelope.request == nil ? gateway.response(pending, message) : gateway.request(pending, message)
  }

  private func empty(_ principal: Principal, _ exchange: Exchange) {
    guard let cookie = session(principal, exchange, "an empty POST needs the session's cookie") else { return }
    follow(cookie, exchange)
    let post = SessionCore.Post(
      device: cookie.device, session: cookie.session, waits: cookie.waits, namespaceMinor: cookie.namespaceMinor,
      authentication: cookie.authentication)
    let pending = GatewayLoop.Pending(
      exchange: exchange, cookie: cookie,
      reply: GatewayLoop.Reply(id: nil, namespace: CWMPNamespace(minor: cookie.namespaceMinor)))
    waiting = gateway.empty(pending, post, peer: exchange.peer.ip.description)
  }

  /// The session that the POST is of, if it is who speaks; else it is refused. An Inform is not asked: it begins a
  /// session, whatever cookie its CPE still keeps (item 16, quirk Q2).
  private func session(_ principal: Principal, _ exchange: Exchange, _ what: String) -> SessionCookie? {
    guard let cookie else {
      gateway.metrics.refused(.session)
      refuse(exchange, .badRequest, FieldBlock(), "no session: \(what)")
      return nil
    }
    guard cookie.allows(principal) else {
      gateway.metrics.refused(.identity)
      refuse(exchange, .forbidden, FieldBlock(), "the session is another device's")
      return nil
    }
    return cookie
  }

  /// The connection carries the session: alone, where its CPE returns no cookie.
  private func follow(_ cookie: SessionCookie, _ exchange: Exchange) {
    carried(by: exchange).cookie = cookie
    exchange.connection.outlivesRetirement = listening.followsConnection && !returnsCookie
  }

  private func carried(by exchange: Exchange) -> CarriedSession {
    if let carried = exchange.connection.attachment as? CarriedSession { return carried }
    let carried = CarriedSession()
    exchange.connection.attachment = carried
    return carried
  }

  // MARK: - Informs

  /// A new session: who authenticates must be who informs (item 112).
  private func take(_ inform: Inform, _ envelope: Envelope, _ speaker: Speaker, _ exchange: Exchange) {
    let device = inform.deviceID.id
    switch speaker.informer {
    case .device(let owner, _)? where owner != device:
      gateway.metrics.refused(.identity)
      gateway.logger.warning("credential of another device") { line in
        line.add(.device, describing: device)
        line.add(.peer, describing: exchange.peer)
      }
      refuse(exchange, .forbidden, FieldBlock(), "the credential is another device's")
    case .bootstrap?: checkBootstrap(inform, envelope, device, exchange)
    case let informer?: begin(inform, envelope, device, informer, exchange)
    case nil:
      switch speaker.doubt {
      case .unproved(let isStale): refuseUnproved(exchange, isStale: isStale)
      case .unavailable: refuseUnread(exchange)
      }
    }
  }

  /// Bootstrap is for devices that have no credential of their own, or are readmitted; others are held (section 5).
  private func checkBootstrap(_ inform: Inform, _ envelope: Envelope, _ device: UUID128, _ exchange: Exchange) {
    gateway.credentials.read(device: device) { [self] found in
      guard !isOver else { return }
      switch found {
      case .nothing: begin(inform, envelope, device, .bootstrap, exchange)
      case .unavailable: refuseUnread(exchange)
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
        refuse(exchange, .unauthorized, gateway.challenges(listening.authentication, isStale: false))
      }
    }
  }

  private func begin(
    _ inform: Inform, _ envelope: Envelope, _ device: UUID128, _ principal: Principal, _ exchange: Exchange
  ) {
    if counted == nil {
      guard gateway.posts.begin(device) else {
        gateway.metrics.refused(.parallel)
        return refuse(exchange, .serviceUnavailable, gateway.retryLater)
      }
      counted = device
    }
    let events = inform.events.map { CPEMessage.Event(code: $0.code.description, commandKey: $0.commandKey) }
    let kind = SessionClass(events)
    guard gateway.admission.admit(kind) else {
      gateway.metrics.refused(.overload)
      return refuse(exchange, .serviceUnavailable, gateway.retryLater)
    }
    let now = gateway.clock.now
    let cookie = SessionCookie(
      session: gateway.ids.next(milliseconds: now / 1000), device: device, namespaceMinor: envelope.namespace.minor,
      authentication: principal.authentication,
      waits: gateway.admission.waits(kind, latency: gateway.latency, now: now), isPlain: !exchange.connection.isTLS,
      issuedAt: now / 1_000_000, sessionTimeout: envelope.header.sessionTimeout ?? 0)
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
    let version =
      envelope.header.supportedVersions.isEmpty
      ? nil : CWMPVersion.common(with: envelope.header.supportedVersions)
    let reply = GatewayLoop.Reply(id: envelope.id, namespace: envelope.namespace, version: version)
    let pending = GatewayLoop.Pending(
      exchange: exchange, cookie: cookie, reply: reply, admittedAt: gateway.clock.steady)
    waiting = gateway.inform(pending, message)
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
    guard let refusal, let cookie, waiting == nil, let speaker, cookie.allows(speaker.principal) else { return }
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
