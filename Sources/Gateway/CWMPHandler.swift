import CWMP
import Cryptography
import EventLog
import Fleet
import HTTP
import Networking
import Operations

/// The gateway's session handler: one listener's POSTs on one loop (docs/architecture.md, section 2.1).
///
/// From a request's head it decides who speaks and whether the body is read; from the parsed body what the POST is.
/// What becomes of it is ``SessionCore``'s to say.
final class CWMPHandler: HTTPService {
  /// What the listener was told.
  struct Listening {
    var authentication: Authentication.Policy
    /// Whether a connection is one CPE, so that a CPE without cookies can be followed by it (item 17).
    var followsConnection: Bool
    /// Bytes of body before and after the CPE has proved who it is.
    var unauthenticatedBody: Int
    var body: Int
  }

  private let gateway: GatewayLoop
  private let listening: Listening
  private let files: (any HTTPService)?

  /// Creates the handler of a listener.
  /// - Parameter files: serves what is below `/files/`.
  init(_ gateway: GatewayLoop, _ listening: Listening, files: (any HTTPService)?) {
    self.gateway = gateway
    self.listening = listening
    self.files = files
  }

  func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision {
    if let files, head.path.hasPrefix("/files/") { return files.begin(head, exchange) }
    guard head.method == .post else {
      gateway.metrics.refused(.method)
      return .refuse(.methodNotAllowed, FieldBlock("Allow", "POST"), [])
    }
    let now = gateway.clock.now
    let cookie = CookieField.session(in: head).flatMap { try? gateway.cookies.decode($0.span, now: now / 1_000_000) }
    let carried = exchange.connection.attachment as? CarriedSession
    let session = cookie ?? (listening.followsConnection ? carried?.cookie : nil)
    let isReadable = head["content-encoding"].map { $0.lowercased() == "identity" } ?? true
    if let session {
      guard gateway.posts.begin(session.device) else {
        gateway.metrics.refused(.parallel)
        return .refuse(.serviceUnavailable, gateway.retryLater, [])
      }
    } else if !isReadable {
      gateway.metrics.refused(.encoding)
      return .refuse(.unsupportedMediaType, CWMPPost.identityOnly, [])
    } else if !gateway.admission.admitsBody(of: head.contentLength) || !gateway.credentials.hasRoom
      || gateway.isStopping
    {
      gateway.metrics.refused(.overload)
      return .refuse(.serviceUnavailable, gateway.retryLater, [])
    }
    let post = CWMPPost(
      gateway, listening, cookie: session, returnsCookie: cookie != nil, isReadable: isReadable,
      contentType: head["content-type"])
    let surroundings = Surroundings(
      session: session, carried: carried?.cookie, proved: listening.followsConnection ? carried?.proved : nil,
      isTLS: exchange.connection.isTLS)
    return decide(head, post, surroundings, exchange, now)
  }

  // MARK: - Who speaks

  private func decide(
    _ head: RequestHead, _ post: CWMPPost, _ surroundings: Surroundings, _ exchange: Exchange, _ now: Int64
  ) -> HeadDecision {
    let policy = listening.authentication
    let claim = head.withValue(of: "authorization") { header in
      gateway.authentication.claim(
        header, method: Array("POST".utf8), target: Array(head.target.utf8), policy: policy, now: now)
    }
    let verdict = gateway.authentication.judge(
      claim ?? .absent, surroundings, policy: policy, cached: { gateway.credentials.cached($0) },
      isFirst: { gateway.isFirst($0, exchange) })
    switch verdict {
    case .known(let speaker):
      post.heard(speaker, exchange)
      return .accept(post, bodyLimit: listening.body)
    case .refused(let isStale):
      gateway.metrics.refused(.authentication)
      return .refuse(.unauthorized, gateway.challenges(policy, isStale: isStale), [])
    case .lookUp(let username, let proof, let unlessAway):
      guard gateway.failures.allows(username, from: exchange.peer.ip, now: gateway.clock.steady) else {
        gateway.metrics.refused(.authentication)
        return .refuse(.serviceUnavailable, gateway.retryLater, [])
      }
      guard surroundings.session != nil || gateway.admission.admitsLookUp(waiting: gateway.credentials.underWay) else {
        gateway.metrics.refused(.overload)
        return .refuse(.serviceUnavailable, gateway.retryLater, [])
      }
      // A body that is more than a stranger may send waits in the kernel until it is known whose it is.
      let waits = head.announcesBody && head.contentLength ?? .max > listening.unauthenticatedBody
      if waits { exchange.suspendReading() }
      lookUp(username, proof, unlessAway, post, exchange)
      return .accept(post, bodyLimit: waits ? listening.body : listening.unauthenticatedBody)
    }
  }

  /// Reads the credential while the body comes in. Only a match was served from the cache: a mismatch is settled by
  /// PostgreSQL (docs/architecture.md, section 5).
  private func lookUp(
    _ username: [UInt8], _ proof: Authentication.Proof, _ unlessAway: Principal?, _ post: CWMPPost,
    _ exchange: Exchange
  ) {
    gateway.credentials.read(username: username) { [gateway, listening] found in
      switch found {
      case .credential(let credential):
        guard let principal = gateway.authentication.principal(credential, proof) else { fallthrough }
        guard gateway.isFirst(proof, exchange) else { return post.refuseUnproved(exchange, isStale: true) }
        // A pending password comes into use now: what is cached of it is soon wrong.
        if !principal.isSettled {
          gateway.credentials.forget(username)
          post.pendingMark = credential.pendingMark
        }
        post.heard(Speaker(principal), exchange)
      case .nothing:
        if listening.authentication.none { return post.heard(Speaker(.anybody), exchange) }
        gateway.failures.note(username, from: exchange.peer.ip, now: gateway.clock.steady)
        post.refuseUnproved(exchange, isStale: false)
      case .unavailable:
        // In its session a CPE is known by its cookie, where that is enough (item 24).
        if let unlessAway { return post.heard(Speaker(byCookie: unlessAway, .unavailable), exchange) }
        post.refuseUnread(exchange)
      }
    }
  }
}

/// What a connection has carried: for CPEs that return no cookie, and for later POSTs without Authorization.
final class CarriedSession {
  /// The cookie of the session that it carried last, as it was given.
  var cookie: SessionCookie?
  /// Who proved last on it who it is.
  var proved: Principal?
  /// Which pending password that was.
  var pendingMark: [UInt8] = []
}
