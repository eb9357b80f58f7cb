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
    if let encoding = head["content-encoding"], encoding.lowercased() != "identity" {
      gateway.metrics.refused(.encoding)
      return .refuse(.unsupportedMediaType, FieldBlock("Accept-Encoding", "identity"), [])
    }
    let now = gateway.clock.now
    let cookie = CookieField.session(in: head).flatMap { try? gateway.cookies.decode($0.span, now: now / 1_000_000) }
    let known = (exchange.connection.attachment as? FollowedSession)?.cookie
    let session = cookie ?? (listening.followsConnection ? known : nil)
    if session == nil, !gateway.admission.admitsBody(of: head.contentLength) || gateway.isStopping {
      gateway.metrics.refused(.overload)
      return .refuse(
        .serviceUnavailable, FieldBlock("Retry-After", String(gateway.admission.retryAfter())), [])
    }
    let post = CWMPPost(
      gateway, listening, cookie: session, returnsCookie: cookie != nil, charset: head["content-type"])
    switch authenticate(head, exchange, session, isFollowed: known == session, now) {
    case .principal(let principal):
      post.principal = principal
      return .accept(post, bodyLimit: listening.body)
    case .refused(let fields):
      gateway.metrics.refused(.authentication)
      return .refuse(.unauthorized, fields, [])
    case .lookUp(let username, let proof):
      // A body that is more than a stranger may send waits in the kernel until it is known whose it is.
      let waits = head.announcesBody && head.contentLength ?? .max > listening.unauthenticatedBody
      if waits { exchange.suspendReading() }
      lookUp(username, proof, post, exchange)
      return .accept(post, bodyLimit: waits ? listening.body : listening.unauthenticatedBody)
    }
  }

  // MARK: - Who speaks

  private enum Proved {
    case principal(Principal)
    case refused(FieldBlock)
    case lookUp([UInt8], Authentication.Proof)
  }

  private func authenticate(
    _ head: RequestHead, _ exchange: Exchange, _ session: SessionCookie?, isFollowed: Bool, _ now: Int64
  ) -> Proved {
    let policy = listening.authentication
    let claim = head.withValue(of: "authorization") { header in
      gateway.authentication.claim(
        header, method: Array("POST".utf8), target: Array(head.target.utf8), policy: policy, now: now)
    }
    switch claim ?? .absent {
    case .absent:
      // A cookie is enough on TLS, and on the connection that its session was authenticated on (item 109).
      if let session, exchange.connection.isTLS || isFollowed || session.authentication == .none {
        return .principal(session.principal)
      }
      return policy.none ? .principal(.anybody) : .refused(challenges(stale: false, now))
    case .refused: return policy.none ? .principal(.anybody) : .refused(challenges(stale: false, now))
    case .stale: return .refused(challenges(stale: true, now))
    case .user(let username, let proof):
      if let proved = gateway.authentication.bootstrap(username, proof) {
        return proved ? .principal(.bootstrap) : .refused(challenges(stale: false, now))
      }
      if let cached = gateway.credentials.cached(username),
        let principal = gateway.authentication.principal(cached, proof), principal.isSettled
      {
        return .principal(principal)
      }
      return .lookUp(username, proof)
    }
  }

  private func challenges(stale: Bool, _ now: Int64) -> FieldBlock {
    var fields = FieldBlock()
    for challenge in gateway.authentication.challenges(policy: listening.authentication, stale: stale, now: now) {
      fields.add("WWW-Authenticate", challenge)
    }
    return fields
  }

  /// Reads the credential while the body comes in. Only a match was served from the cache: a mismatch is settled by
  /// PostgreSQL (docs/architecture.md, section 5).
  private func lookUp(_ username: [UInt8], _ proof: Authentication.Proof, _ post: CWMPPost, _ exchange: Exchange) {
    let listening = listening
    gateway.credentials.read(username: username) { [gateway] found in
      switch found {
      case .credential(let credential):
        guard let principal = gateway.authentication.principal(credential, proof) else { fallthrough }
        // A pending password comes into use now: what is cached of it is soon wrong.
        if !principal.isSettled {
          gateway.credentials.forget(username)
          post.pendingMark = credential.pendingMark
        }
        post.proved(principal, exchange)
        exchange.resumeReading()
      case .nothing:
        gateway.metrics.refused(.authentication)
        if listening.authentication.none {
          post.proved(.anybody, exchange)
          return exchange.resumeReading()
        }
        post.refuse(exchange, .unauthorized, self.challenges(stale: false, gateway.clock.now))
      case .unavailable:
        gateway.metrics.refused(.database)
        post.refuse(
          exchange, .serviceUnavailable, FieldBlock("Retry-After", String(gateway.admission.retryAfter())))
      }
    }
  }
}

/// The session that a connection carries, for a CPE that returns no cookie and for later POSTs without Authorization.
final class FollowedSession {
  /// The session's cookie as it was given.
  let cookie: SessionCookie

  init(_ cookie: SessionCookie) { self.cookie = cookie }
}

extension SessionCookie {
  /// Who the session belongs to.
  var principal: Principal {
    switch authentication {
    case .none: .anybody
    case .bootstrap: .bootstrap
    case .own, .pending: .device(device, authentication)
    }
  }
}

extension Principal {
  /// Whether this may be served from the cache again: a pending password becomes the device's own with its first use.
  var isSettled: Bool {
    if case .device(_, .pending) = self { false } else { true }
  }

  /// As it goes into a record.
  var authentication: CPEMessage.Authentication {
    switch self {
    case .anybody: .none
    case .bootstrap: .bootstrap
    case .device(_, let how): how
    }
  }
}
