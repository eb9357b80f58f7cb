/// What one attempt to read or write a socket or TLS stream came to.
enum StreamResult {
  case bytes(Int)
  case wouldBlock
  /// The other side has closed its direction.
  case end
  case failed(ConnectionEnd)
}
