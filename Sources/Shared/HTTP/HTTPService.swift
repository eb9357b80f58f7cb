/// What answers requests on one loop. Every call comes on that loop, synchronously; nothing here is a task (style: the
/// per-POST path is callbacks and a state machine).
public protocol HTTPService: AnyObject {
  /// A request's head is complete and well-formed; its body has not been asked for yet.
  func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision
}

/// What to do with a request once its head is known.
public enum HeadDecision {
  /// Read the body, of at most `bodyLimit` bytes as transferred (more is 413), and hand it to the receiver.
  case accept(any RequestReceiver, bodyLimit: Int)
  /// Answer now; the body is not read. The connection is closed if a body was announced, else kept.
  case refuse(HTTPStatus, FieldBlock, [UInt8])
}

/// One request's receiver, owned by its exchange until it has ended.
public protocol RequestReceiver: AnyObject {
  /// The next bytes of the body, after transfer decoding and before content decoding; valid during the call only.
  func body(_ bytes: Span<UInt8>, _ exchange: Exchange)
  /// The body is complete. Answer now or at any later time on the loop with `exchange.respond`.
  func end(_ exchange: Exchange)
  /// The exchange is over without our answer. Called at most once, never after `respond` or `abort`; `respond` is
  /// without effect from then on.
  func abandoned(_ why: Abandonment, _ exchange: Exchange)
}

/// Why an exchange ended without the receiver's answer.
public enum Abandonment: Sendable, Hashable {
  /// The client closed the connection, or it broke.
  case gone
  /// The server is closing its connections.
  case shutdown
  /// The body was refused for its framing, size or slowness; the server has answered with the error's status.
  case refused(RequestError)
}
