/// A response's body that is made while it is sent. It belongs to the loop of its exchange, and is let go of at the end
/// or when the client goes.
public protocol BodySource: AnyObject {
  /// The bytes in all: they are the Content-Length.
  var length: Int { get }
  /// The next piece, of one to `most` bytes; empty if it cannot be had, which closes the connection.
  func next(_ most: Int) -> [UInt8]
}
