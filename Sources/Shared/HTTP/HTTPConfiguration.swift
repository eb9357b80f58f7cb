/// Bounds and deadlines of a server's connections (trust: handshake 10 s, header 10 s, body ≥ 500 B/s after 5 s,
/// silence 30 s).
public struct HTTPConfiguration: Sendable {
  /// Bounds of a request's head and framing.
  public var limits = RequestLimits()
  /// From the first byte of a request, or the connection's beginning, to the end of the head.
  public var headDeadline = Duration.seconds(10)
  /// What the body may take in any case, before its rate counts.
  public var bodyGrace = Duration.seconds(5)
  /// Bytes a second that a body must keep up after its grace.
  public var bodyMinimumRate = 500
  /// How long a body that has begun may be silent, whatever it has earned: who went away in it is not waited for.
  public var bodySilence = Duration.seconds(30)
  /// What the body may take in all.
  public var bodyDeadline = Duration.seconds(120)
  /// How long a connection may wait for its next request. CPEs keep theirs for a whole session (item 10).
  public var idleDeadline = Duration.seconds(60)
  /// How long an answer may wait for a client that reads nothing of it.
  public var writeDeadline = Duration.seconds(30)
  /// How much of a body is read and dropped after an early answer such as 401, so that the connection can live on; more
  /// closes it.
  public var drainLimit = 65536
  /// Requests served on one connection before it is closed.
  public var requestsPerConnection = 10_000
  /// Whether responses carry a Date.
  public var sendsDate = true

  /// The defaults.
  public init() {}
}
