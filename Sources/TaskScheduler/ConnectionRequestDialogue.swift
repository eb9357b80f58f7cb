import Cryptography

/// The HTTP of one connection request, step by step, without I/O: GET, the Digest challenge, GET with its answer
/// (TR-069 §3.2.2; items 177 to 183).
struct ConnectionRequestDialogue {
  /// What came of a connection request.
  enum Outcome: Equatable, Sendable {
    /// The CPE took it: its Inform should follow, or has come already (item 180).
    case asked
    /// It did not; the reason.
    case failed(String)
  }

  /// What to do next.
  enum Step: Equatable {
    /// Send a GET; with this Authorization, if any. `anew`: not on a connection that was used before.
    case get(authorization: String?, anew: Bool)
    case end(Outcome)
  }

  /// What a GET came to.
  enum Event {
    /// An answer; `challenge` is the value of its WWW-Authenticate.
    case response(status: Int, challenge: String?)
    /// The connection ended, or never came about, without an answer; the reason.
    case closed(String)
    /// It is of no use to try again now; the reason.
    case unreachable(String)
  }

  private let path: String
  private let username: String
  private var passwords: [String]
  private var wasChallenged = false
  private var mayRetryClosed = true
  private var staleAnswers = 0

  /// - Parameters:
  ///   - path: the request's target.
  ///   - passwords: those to try, the device's own first, then one that was sent to it and not confirmed.
  init(path: String, username: String, passwords: [String]) {
    self.path = path
    self.username = username
    self.passwords = passwords
  }

  /// The first step: without credentials, for only the challenge says how to show them.
  var first: Step { .get(authorization: nil, anew: false) }

  /// What follows an event.
  mutating func after(_ event: Event) -> Step {
    switch event {
    case .response(let status, let challenge): return after(status, challenge)
    case .closed(let reason):
      // Some CPEs close after their own challenge: once more, on a new connection (item 182, quirk Q48).
      guard wasChallenged, mayRetryClosed else { return .end(.failed(reason)) }
      mayRetryClosed = false
      wasChallenged = false
      return .get(authorization: nil, anew: true)
    case .unreachable(let reason): return .end(.failed(reason))
    }
  }

  private mutating func after(_ status: Int, _ challenge: String?) -> Step {
    switch status {
    case 200, 204: return .end(.asked)
    case 401: return answer(challenge)
    case 503: return .end(.failed("503: the CPE is busy or asked too often"))
    case 300..<400: return .end(.failed("\(status): redirects are not followed"))
    default: return .end(.failed("HTTP status \(status)"))
    }
  }

  private mutating func answer(_ value: String?) -> Step {
    guard let value, let challenge = DigestChallenge.parse(Array(value.utf8).span) else {
      // Basic would show the password to whoever answers there (item 179).
      return .end(.failed("401 without a Digest challenge; Basic is not answered"))
    }
    if wasChallenged {
      // The nonce may have aged in between; otherwise these credentials are wrong (item 181).
      if challenge.isStale, staleAnswers < 1 {
        staleAnswers += 1
      } else if !passwords.isEmpty {
        passwords.removeFirst()
      }
    }
    guard let password = passwords.first else {
      return .end(.failed(wasChallenged ? "401: wrong credentials" : "401: the device has no credentials yet"))
    }
    wasChallenged = true
    let authorization = challenge.answer(
      username: username, password: password, method: "GET", uri: path, clientNonce: SecureRandom.token(16))
    return .get(authorization: authorization, anew: false)
  }
}
