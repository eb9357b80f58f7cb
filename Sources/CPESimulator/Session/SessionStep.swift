/// What a session does next; the shell carries it out.
enum SessionStep: Sendable {
  case post(SessionPost)
  case end(SessionEnd)
}

/// A request on its way.
struct SessionPost: Sendable {
  var bytes: [UInt8]
  /// On a connection of its own; the one before is closed.
  var onNewConnection = false
  /// To wait before it is sent.
  var delayMilliseconds = 0
  /// Send only so many bytes, then drop the connection.
  var cutAt: Int?
  /// Send it here, do not read the answer, and send it again on a new connection.
  var isSentTwice = false
}

/// An HTTP response, as far as a CPE cares.
struct SessionAnswer: Sendable {
  var status: Int
  /// `WWW-Authenticate`.
  var challenges: [String] = []
  /// `Set-Cookie`.
  var cookies: [String] = []
  /// `Retry-After` in seconds.
  var retryAfter: Int?
  /// Whether the server keeps the connection.
  var keepsAlive = true
  var body: [UInt8] = []
}
