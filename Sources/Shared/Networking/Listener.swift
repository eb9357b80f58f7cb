import CLibEvent
import Glibc

/// What a listener does with the connections it accepts.
public struct ListenerOptions: Sendable {
  /// TLS for every connection; nil: plain.
  public var tls: TLSServerContext?
  /// Who may and must send a PROXY protocol v2 header; nil: nobody does. A peer outside these ranges is refused.
  public var proxies: [AddressRange]?
  /// How many connections may be open at once, where the listener has no ``ConnectionBudget`` with others.
  public var maximumConnections = Int.max
  /// How long the PROXY header and TLS handshake may take together.
  public var establishmentDeadline = Duration.seconds(10)
  /// How many connections may wait in the kernel.
  public var backlog: CInt = 4096
  /// How many connections are accepted in one turn of the loop: a herd must not starve the sessions that are open.
  public var acceptsPerTurn = 64
  /// Lets each loop have its own listener on one port; the kernel spreads connections over them.
  public var reusesPort = true

  /// The defaults: plain TCP.
  public init() {}
}

/// A listening TCP socket of one loop. Made, used and closed on the loop.
public final class Listener: LoopEvent {
  /// The address in use, with the port that the system chose if 0 was asked for.
  public let address: SocketAddress
  /// TLS for connections accepted from now on: set it anew when certificates are reloaded.
  public var tls: TLSServerContext?

  private let options: ListenerOptions
  private let budget: ConnectionBudget
  private let descriptor: CInt
  private var accepted: ((Connection) -> (any ConnectionDelegate)?)?
  private var paused = false
  private var listening = false
  private var retry: LoopTimer?

  /// Listens on `address` and calls `accepted` for each connection; what that returns becomes its delegate, nil closes
  /// it.
  ///
  /// - Parameter budget: what it shares with other listeners of the loop; nil: the options' maximum is its own.
  /// - Throws: `NetworkingError` (`.system`), such as an address in use.
  public init(
    on address: SocketAddress, loop: EventLoop, options: ListenerOptions = ListenerOptions(),
    budget: ConnectionBudget? = nil, _ accepted: @escaping (Connection) -> (any ConnectionDelegate)?
  ) throws(NetworkingError) {
    self.options = options
    self.budget = budget ?? ConnectionBudget(options.maximumConnections)
    self.accepted = accepted
    tls = options.tls
    (descriptor, self.address) = try Listener.open(address, options)
    super.init(loop: loop)
    self.budget.join(self)
    update()
  }

  deinit { Glibc.close(descriptor) }

  /// Stops accepting until ``resume()``; who connects meanwhile waits in the kernel's backlog.
  public func pause() {
    paused = true
    update()
  }

  /// Accepts again.
  public func resume() {
    paused = false
    update()
  }

  /// Accepts all that wait in the kernel now: closing a listener resets them.
  public func acceptAll() {
    while listening, acceptOne() {}
  }

  /// Stops listening for good; connections already accepted live on.
  public override func cancel() {
    guard accepted != nil else { return }
    accepted = nil
    retry?.cancel()
    update()
    shutdown(descriptor, CInt(SHUT_RD))
  }

  override var isOneShot: Bool { false }

  override func loopEnded() { accepted = nil }

  override func fired(_ what: Int16) {
    for _ in 0..<options.acceptsPerTurn {
      guard listening, acceptOne() else { return }
    }
  }

  private static func open(
    _ address: SocketAddress, _ options: ListenerOptions
  ) throws(NetworkingError) -> (CInt, SocketAddress) {
    let operation = "listen on \(address)"
    let descriptor = try Socket.make(for: address, operation)
    Socket.set(descriptor, SOL_SOCKET, SO_REUSEADDR)
    if options.reusesPort { Socket.set(descriptor, SOL_SOCKET, SO_REUSEPORT) }
    if !address.ip.isIPv4 { Socket.set(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
    guard address.withSocketAddress({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, options.backlog) == 0 else {
      let error = NetworkingError.system(operation)
      Glibc.close(descriptor)
      throw error
    }
    return (descriptor, SocketAddress.filled { getsockname(descriptor, $0, &$1) }.1 ?? address)
  }

  private func update() {
    let wanted = accepted != nil && !paused && retry == nil && budget.hasRoom
    guard wanted != listening else { return }
    listening = wanted
    if wanted { arm(descriptor: descriptor, what: EV_READ | EV_PERSIST, timeout: nil) } else { disarm() }
  }

  /// False when there is nothing more to accept now.
  private func acceptOne() -> Bool {
    let (socket, peer) = SocketAddress.filled {
      carillon_accept(descriptor, $0, &$1)
    }
    guard socket >= 0 else {
      switch errno {
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: waitForResources()
      case ECONNABORTED, EINTR, EPROTO: return true
      default: break
      }
      return false
    }
    guard let peer, let accepted, mayConnect(peer) else {
      Glibc.close(socket)
      return true
    }
    Socket.setNoDelay(socket)
    let connection = Connection(
      loop: loop, descriptor: socket, peer: peer,
      phase: options.proxies != nil ? .proxyHeader : tls != nil ? .handshake : .open)
    if options.proxies != nil { connection.proxyHeader = ProxyHeaderReader() }
    if let tls {
      // Without memory for TLS it must not become a plain connection: dropping it closes the socket.
      guard let stream = TLSStream(tls, descriptor: socket) else { return true }
      connection.tls = stream
    }
    guard let delegate = accepted(connection) else { return true }
    budget.take()
    connection.onEnd = { [budget] in budget.give() }
    connection.delegate = delegate
    connection.start(within: options.establishmentDeadline)
    return true
  }

  private func mayConnect(_ peer: SocketAddress) -> Bool {
    guard let proxies = options.proxies else { return true }
    return proxies.contains { $0.contains(peer.ip) }
  }

  /// There is room for connections again, or no more.
  func budgetChanged() { update() }

  /// Out of descriptors or memory: accepting again at once would only spin.
  private func waitForResources() {
    retry = loop.schedule(after: .milliseconds(100)) { [weak self] in
      self?.retry = nil
      self?.update()
    }
    update()
  }
}
