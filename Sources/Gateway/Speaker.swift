import Cryptography
import EventLog

/// Who a POST comes from, as its head, its cookie and its connection tell.
public struct Speaker: Equatable, Sendable {
  /// Why somebody who speaks in a session may not begin another.
  public enum Doubt: Equatable, Sendable {
    /// Nothing but the cookie says who it is: a credential is asked for, anew where its nonce was too old.
    case unproved(isStale: Bool)
    /// A credential was shown, and it cannot be read now whether it is right.
    case unavailable
  }

  /// Who speaks, in the session that the cookie names.
  public var principal: Principal
  /// Who speaks in an Inform, which begins a session of its own; nil where only a cookie says who it is. A cookie is
  /// good for its session and no other: with it alone, whoever came by it could go on for ever.
  public var informer: Principal?
  /// Why there is no ``informer``.
  public var doubt = Doubt.unproved(isStale: false)

  /// Somebody who has proved who it is.
  public init(_ principal: Principal) {
    self.principal = principal
    informer = principal
  }

  /// Somebody who is known by a cookie.
  public init(byCookie principal: Principal, informer: Principal? = nil, _ doubt: Doubt = .unproved(isStale: false)) {
    self.principal = principal
    self.informer = informer
    self.doubt = doubt
  }
}

/// What a POST comes with besides its Authorization header.
public struct Surroundings: Sendable {
  /// The session of its cookie, or of its connection where that is one CPE.
  public var session: SessionCookie?
  /// The session that its connection carried last.
  public var carried: SessionCookie?
  /// Who has proved on this connection who it is, where a connection is one CPE.
  public var proved: Principal?
  /// Whether its connection is TLS.
  public var isTLS: Bool

  /// Creates it from a connection and a cookie.
  public init(session: SessionCookie?, carried: SessionCookie?, proved: Principal?, isTLS: Bool) {
    self.session = session
    self.carried = carried
    self.proved = proved
    self.isTLS = isTLS
  }

  /// Who speaks if the session's cookie is enough: on TLS, unless it was once sent in the clear, and on the connection
  /// that carried its session (item 109).
  var byCookie: Principal? {
    guard let session else { return nil }
    let isEnough = isTLS && !session.isPlain || session == carried || session.authentication == .none
    return isEnough ? session.principal : nil
  }
}

extension Authentication {
  /// What a POST's head comes to.
  public enum Verdict {
    /// It is known who speaks.
    case known(Speaker)
    /// A credential is asked for.
    case refused(isStale: Bool)
    /// PostgreSQL is to be asked whose username it is; who speaks if it does not answer.
    case lookUp(username: [UInt8], proof: Proof, unlessAway: Principal?)
  }

  /// Who speaks. Pure.
  /// - Parameters:
  ///   - cached: what is known under a username. Only a match counts: a mismatch may be a password that has changed.
  ///   - isFirst: whether a proof has not been used before; asked only of one that is right.
  public func judge(
    _ claim: Claim, _ post: Surroundings, policy: Policy, cached: ([UInt8]) -> StoredCredential?,
    isFirst: (Proof) -> Bool
  ) -> Verdict {
    switch claim {
    case .absent:
      let informer = post.proved ?? (policy.none ? .anybody : nil)
      guard let principal = post.byCookie ?? informer else { return .refused(isStale: false) }
      return .known(Speaker(byCookie: principal, informer: informer))
    case .refused:
      return policy.none ? .known(Speaker(.anybody)) : .refused(isStale: false)
    case .stale:
      return stale(post)
    case .user(let username, let proof):
      if let isProved = bootstrap(username, proof) {
        guard isProved else { return .refused(isStale: false) }
        return isFirst(proof) ? .known(Speaker(.bootstrap)) : stale(post)
      }
      if let cached = cached(username), let principal = principal(cached, proof), principal.isSettled {
        return isFirst(proof) ? .known(Speaker(principal)) : stale(post)
      }
      return .lookUp(username: username, proof: proof, unlessAway: post.byCookie)
    }
  }

  /// A nonce that is too old, or was used before: it proves nothing any more, and a correct client answers the next
  /// challenge without asking anybody.
  private func stale(_ post: Surroundings) -> Verdict {
    guard let principal = post.byCookie else { return .refused(isStale: true) }
    return .known(Speaker(byCookie: principal, .unproved(isStale: true)))
  }
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

  /// Whether who speaks now is who the session was begun by.
  func allows(_ principal: Principal) -> Bool {
    switch principal {
    case .device(let device, _): device == self.device
    case .bootstrap: authentication == .bootstrap
    case .anybody: authentication == .none
    }
  }
}

extension Principal {
  /// Whether this may be served from the cache again: a pending password becomes the device's own with its first use.
  var isSettled: Bool {
    if case .device(_, .pending) = self { false } else { true }
  }

  /// Whose credential it was; nil where it is none of one device.
  var device: UUID128? { if case .device(let device, _) = self { device } else { nil } }

  /// As it goes into a record.
  var authentication: CPEMessage.Authentication {
    switch self {
    case .anybody: .none
    case .bootstrap: .bootstrap
    case .device(_, let how): how
    }
  }
}
