/// Fetches connection request URLs: the scheduler's way out to CPEs, apart so that tests and other methods (UDP, XMPP)
/// can stand in.
public protocol ConnectionRequestTransport: Sendable {
  /// Opens a way to one CPE, to that address and no other.
  func dialogue(with target: ConnectionRequestTarget) -> any ConnectionRequestExchange
}

/// The GETs of one connection request, one after the other.
public protocol ConnectionRequestExchange: Sendable {
  /// Sends one GET for the target's URL.
  /// - Parameters:
  ///   - authorization: the Authorization header, if any.
  ///   - anew: on a new connection.
  ///   - deadline: from now.
  func get(authorization: String?, anew: Bool, deadline: Duration) async -> ConnectionRequestAnswer
}

/// What a GET came to.
public enum ConnectionRequestAnswer: Sendable {
  /// An answer; of its headers only WWW-Authenticate counts.
  case response(status: Int, challenge: String?)
  /// The connection ended, or never came about, without an answer; the reason.
  case closed(String)
  /// It is of no use to try again now; the reason.
  case unreachable(String)
}
