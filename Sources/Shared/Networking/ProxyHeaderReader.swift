import Glibc

/// Reads a PROXY protocol v2 header (HAProxy's proxy-protocol.txt §2.2) from the front of a connection: exactly its
/// bytes, so that what follows is left for TLS or HTTP.
final class ProxyHeaderReader {
  enum Outcome {
    case needMore
    /// The client's address and the one it connected to; nil for the proxy's own health checks (LOCAL).
    case done(source: SocketAddress?, destination: SocketAddress?)
    case failed(ConnectionEnd)
  }

  private var bytes: [UInt8] = []

  func read(from descriptor: CInt) -> Outcome {
    while true {
      let wanted: Int
      do throws(NetworkingError) {
        let soFar = bytes
        let header = try ProxyHeader.parse(soFar.span)
        switch header {
        case .complete(let source, let destination): return .done(source: source, destination: destination)
        case .incomplete(let length): wanted = length - bytes.count
        }
      } catch {
        return .failed(.failed(error.description))
      }
      let count = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: wanted) { buffer in
        let count = recv(descriptor, buffer.baseAddress, wanted, 0)
        if count > 0 { bytes.append(contentsOf: buffer[0..<count]) }
        return count
      }
      if count == 0 { return .failed(.closedByPeer) }
      if count < 0 { return errno == EAGAIN || errno == EINTR ? .needMore : .failed(.closedByPeer) }
    }
  }
}
