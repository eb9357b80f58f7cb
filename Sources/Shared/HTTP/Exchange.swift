public import Networking

/// One request and its answer on a connection. It belongs to the loop; it may be kept as long as one likes, and
/// answered at any time: once the connection has gone an answer has no effect.
public final class Exchange {
  /// The connection that it came on; the same object for all exchanges of one connection.
  public let connection: ServerConnection
  var receiver: (any RequestReceiver)?

  /// The most bytes of body that are read; may be raised once the client has proved who it is.
  public var bodyLimit = 0
  /// Bytes of body received so far, as transferred.
  public internal(set) var bodyBytes = 0
  /// Set it to end the connection after the answer.
  public var closesConnection = false

  init(connection: ServerConnection) {
    self.connection = connection
  }

  /// Whether an answer would still be sent.
  public var isOpen: Bool { connection.current === self }

  /// Who sent it: the client's address, as told by the PROXY protocol where that is in use.
  public var peer: SocketAddress { connection.peer }

  /// The head; empty once the exchange has been answered.
  public var head: RequestHead { isOpen ? connection.head : RequestHead() }

  /// Answers, with an explicit Content-Length always (item 8). Only the first call has an effect. Called before the
  /// body has been read to its end, it also closes the connection once the answer is out.
  public func respond(_ status: HTTPStatus, _ fields: FieldBlock = FieldBlock(), _ body: Span<UInt8>) {
    guard isOpen else { return }
    connection.respond(status, fields, body)
  }

  /// Answers with an array as body.
  public func respond(_ status: HTTPStatus, _ fields: FieldBlock = FieldBlock(), _ body: [UInt8] = []) {
    respond(status, fields, body.span)
  }

  /// Answers with a body that is read from its source as fast as the client takes it, such as a firmware image.
  public func respond(_ status: HTTPStatus, _ fields: FieldBlock = FieldBlock(), from source: any BodySource) {
    guard isOpen else { return }
    connection.respond(status, fields, from: source)
  }

  /// Closes the connection without an answer.
  public func abort() {
    guard isOpen else { return }
    connection.abort()
  }

  /// Stops reading the body until ``resumeReading()``: back-pressure, or an authentication that has to be waited for.
  /// In `begin` it also holds back the 100 (Continue). The body's deadlines stand still meanwhile.
  public func suspendReading() {
    guard isOpen else { return }
    connection.suspendReading()
  }

  /// Goes on reading.
  public func resumeReading() {
    guard isOpen else { return }
    connection.resumeReading()
  }
}
