import CLibEvent
import Glibc

/// How an outgoing connection is made.
public struct ConnectOptions: Sendable {
  /// TLS; nil: plain.
  public var tls: TLSClientContext?
  /// The name to send and check in TLS; nil: the address.
  public var serverName: String?
  /// A session of an earlier connection to the same server, to be resumed where the server agrees.
  public var session: TLSSession?
  /// The address to connect from; its port is chosen late (IP_BIND_ADDRESS_NO_PORT), so that one source address has
  /// 28,000 ports for each destination.
  public var source: IPAddress?
  /// How long connecting and the TLS handshake may take together.
  public var deadline = Duration.seconds(10)

  /// The defaults: plain TCP.
  public init() {}
}

extension Connection {
  /// Begins to connect; `connected` or `ended` of the delegate tells how that went. On the loop.
  ///
  /// - Throws: `NetworkingError` (`.system`) if there is no descriptor or route.
  public static func connect(
    to address: SocketAddress, on loop: EventLoop, options: ConnectOptions = ConnectOptions(),
    delegate: any ConnectionDelegate
  ) throws(NetworkingError) -> Connection {
    let operation = "connect to \(address)"
    let descriptor = try Socket.make(for: address, operation)
    Socket.setNoDelay(descriptor)
    do throws(NetworkingError) {
      if let source = options.source {
        let local = SocketAddress(ip: source, port: 0)
        guard local.withSocketAddress({ carillon_bind_without_port(descriptor, $0, $1) }) == 0 else {
          throw .system("bind to \(source)")
        }
      }
      guard address.withSocketAddress({ Glibc.connect(descriptor, $0, $1) }) == 0 || errno == EINPROGRESS else {
        throw .system(operation)
      }
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    let connection = Connection(loop: loop, descriptor: descriptor, peer: address, phase: .connecting)
    if let tls = options.tls {
      let stream = TLSStream(
        tls, serverName: options.serverName, peer: address.ip, resuming: options.session, descriptor: descriptor)
      guard let stream else { throw NetworkingError(.tls, operation, detail: "no memory") }
      connection.tls = stream
    }
    connection.delegate = delegate
    connection.start(within: options.deadline)
    return connection
  }
}
