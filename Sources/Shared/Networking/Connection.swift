import CLibEvent
import Glibc

/// What a connection tells its owner. All calls come on the loop; none comes after `ended`.
public protocol ConnectionDelegate: AnyObject {
  /// The TCP connection stands, and TLS and PROXY headers are behind it. Before this nothing is received.
  func connected(_ connection: Connection)
  /// Bytes have come; they are valid during the call.
  ///
  /// - Returns: how many were used. If fewer than given, the rest is kept, and nothing more is read until
  ///   ``Connection/resumeReading()``, which hands it over again (and calls with no bytes where there is no rest).
  func received(_ bytes: Span<UInt8>, _ connection: Connection) -> Int
  /// The other side will send no more. What is not yet written still can be. Default: closes.
  func receivedEnd(_ connection: Connection)
  /// Everything written has left for the kernel, after it once could not.
  func drained(_ connection: Connection)
  /// The connection is closed, for whatever reason, also by ourselves. Exactly once.
  func ended(_ connection: Connection, _ why: ConnectionEnd)
}

extension ConnectionDelegate {
  /// Nothing.
  public func connected(_ connection: Connection) {}
  /// Closes.
  public func receivedEnd(_ connection: Connection) { connection.close() }
  /// Nothing.
  public func drained(_ connection: Connection) {}
}

/// Why a connection ended.
public enum ConnectionEnd: Error, Hashable, Sendable {
  /// We closed it.
  case closedHere
  /// The other side closed or reset it.
  case closedByPeer
  /// Connecting, the PROXY header or the TLS handshake took longer than allowed.
  case establishmentTimedOut
  /// The system or TLS refused, with the reason.
  case failed(String)
}

/// A TCP connection on a loop, plain or TLS, accepted by a ``Listener`` or made by
/// ``connect(to:on:options:delegate:)``.
///
/// The descriptor's events are libevent's; reading and writing are done here, straight between the socket and its
/// user: what arrives is read into one buffer that the loop's connections share and handed on as a span, and what is
/// written goes to the socket at once; only what the kernel does not take is copied. An idle connection holds no
/// buffer. (bufferevents keep two evbuffers a connection and answer through the poll: two more system calls a request.)
///
/// The loop keeps a connection until it has ended.
public final class Connection: LoopEvent {
  enum Phase: UInt8 {
    case proxyHeader, connecting, handshake, open, flushing, lingering, closed
  }

  /// Who is at the other end: for an accepted connection the client, as told by the PROXY protocol where that is used.
  public internal(set) var peer: SocketAddress
  /// Our end; for an accepted connection behind PROXY protocol the address that the client connected to.
  public internal(set) var local: SocketAddress?

  var descriptor: CInt
  var phase: Phase
  var delegate: (any ConnectionDelegate)?
  var tls: TLSStream?
  var proxyHeader: ProxyHeaderReader?
  var onEnd: (() -> Void)?

  /// What the delegate has not used yet.
  private var leftover: [UInt8] = []
  /// What the kernel has not taken yet, from `backlogStart` on.
  private var backlog: [UInt8] = []
  private var backlogStart = 0
  private var readingPaused = false
  private var sawEnd = false
  /// A write has failed; the end is on its way.
  private var isFailing = false
  private var resumePosted = false
  private var interest: Readiness = []
  private var deadline: LoopTimer?

  init(loop: EventLoop, descriptor: CInt, peer: SocketAddress, phase: Phase) {
    self.descriptor = descriptor
    self.peer = peer
    self.phase = phase
    super.init(loop: loop)
  }

  deinit {
    if descriptor >= 0 { Glibc.close(descriptor) }
  }

  /// The loop that it lives on.
  public var eventLoop: EventLoop { loop }

  /// Whether it is TLS.
  public var isTLS: Bool { tls != nil }

  /// The TLS version and whether the session was resumed by a ticket; nil for plain connections.
  var tlsDescription: String? { tls?.summary }

  /// What a later connection to the same server may resume; nil for plain connections, or until the server has sent its
  /// ticket, which comes with its first data.
  public var tlsSession: TLSSession? { tls?.session }

  /// Whether it can still be written to.
  public var isOpen: Bool { phase == .open && !isFailing }

  /// Bytes written by us that the kernel has not taken yet. Stop producing above some bound, go on in `drained`.
  public var unsentBytes: Int { backlog.count - backlogStart }

  // MARK: - Writing

  /// Sends bytes, at once as far as the kernel takes them, the rest as it drains. Without effect unless open.
  public func write(_ bytes: Span<UInt8>) {
    guard isOpen else { return }
    if unsentBytes > 0 { return backlog.append(bytes) }
    let sent = send(bytes)
    guard sent >= 0, sent < bytes.count else { return }
    backlog.append(bytes.extracting(sent..<bytes.count))
    updateInterest()
  }

  /// Sends an array.
  public func write(_ bytes: [UInt8]) { write(bytes.span) }

  /// Closes now. What is unsent is lost.
  public func close() { finish(.closedHere) }

  /// Closes now; the same as ``close()``.
  public override func cancel() { close() }

  /// Closes once everything written has left.
  ///
  /// - Parameter lingering: also reads and drops what the other side still sends, for at most 2 s, so that the answer
  ///   to a request that was not read to its end is not lost to a reset (RFC 9112 §9.6).
  public func closeAfterFlush(lingering: Bool = false) {
    guard phase == .open else { return }
    phase = lingering ? .lingering : .flushing
    leftover = []
    if unsentBytes == 0 { return flushed() }
    startDeadline(.seconds(30))
    updateInterest()
  }

  /// Tells the other side that we send no more (after what is written has left, if TLS is not in use).
  func shutdownWriting() {
    guard phase == .open, unsentBytes == 0 else { return }
    tls?.shutdown()
    shutdown(descriptor, CInt(SHUT_WR))
  }

  // MARK: - Reading

  /// Stops handing on what arrives; the kernel's window then holds the other side back.
  public func pauseReading() {
    readingPaused = true
    updateInterest()
  }

  /// Goes on, with what was left over first; after the present callback, never inside this call.
  public func resumeReading() {
    guard readingPaused else { return }
    readingPaused = false
    guard !resumePosted else { return }
    resumePosted = true
    let this = LoopBound(self, on: loop)
    loop.post { this.value.resume() }
  }

  private func resume() {
    resumePosted = false
    guard !readingPaused, phase == .open else { return }
    let bytes = leftover
    leftover = []
    guard hand(bytes.span) else { return }
    if sawEnd { return delegate?.receivedEnd(self) ?? () }
    // What OpenSSL has already taken from the socket raises no event.
    if let tls, tls.hasPending { readAll() }
    updateInterest()
  }

  /// Gives bytes to the delegate; false when nothing more is to be read for now.
  private func hand(_ bytes: Span<UInt8>) -> Bool {
    guard let delegate else { return false }
    let used = delegate.received(bytes, self)
    guard phase == .open else { return false }
    if used < bytes.count {
      var rest: [UInt8] = []
      rest.append(bytes.extracting(used..<bytes.count))
      leftover = rest
      if !resumePosted { readingPaused = true }
    }
    if readingPaused { updateInterest() }
    return !readingPaused && !resumePosted
  }

  private func readAll() {
    guard phase == .open || phase == .lingering else { return }
    let buffer = loop.readBuffer
    var total = 0
    while true {
      let result = receive(into: buffer)
      switch result {
      case .bytes(let count):
        if phase == .lingering { break }
        guard hand(Span(_unsafeElements: UnsafeBufferPointer(rebasing: buffer[0..<count]))) else { return }
      case .wouldBlock:
        return updateInterest()
      case .end:
        sawEnd = true
        if phase == .lingering && unsentBytes == 0 { return finish(.closedHere) }
        updateInterest()
        return phase == .open ? delegate?.receivedEnd(self) ?? () : ()
      case .failed(let why):
        return finish(phase == .lingering ? .closedHere : why)
      }
      if case .bytes(let count) = result { total += count }
      // A socket that has more raises another event, OpenSSL's own buffer does not.
      guard let tls, tls.hasPending else { return }
      if total >= 262_144 {
        // Enough for one turn: let the other connections through.
        readingPaused = true
        return resumeReading()
      }
    }
  }

  private func receive(into buffer: UnsafeMutableBufferPointer<UInt8>) -> StreamResult {
    if let tls { return tls.read(into: buffer) }
    let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    if count > 0 { return .bytes(count) }
    if count == 0 { return .end }
    return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(.closedByPeer)
  }

  // MARK: - Events

  override var isOneShot: Bool { false }

  override func fired(_ what: Int16) {
    switch phase {
    case .closed: return
    case .connecting: connectEnded()
    case .proxyHeader: readProxyHeader()
    case .handshake: advanceHandshake()
    case .open, .flushing, .lingering:
      if what & Int16(EV_WRITE) != 0 { flush() }
      if what & Int16(EV_READ) != 0, phase != .closed { readAll() }
    }
  }

  override func loopEnded() { finish(.closedHere) }

  /// The bytes the kernel took; -1 if the connection has failed and ended.
  private func send(_ bytes: Span<UInt8>) -> Int {
    let result: StreamResult = bytes.withUnsafeBufferPointer { buffer in
      if let tls { return tls.write(buffer) }
      let count = carillon_send(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return .bytes(count) }
      return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(.closedByPeer)
    }
    switch result {
    case .bytes(let count): return count
    case .wouldBlock: return 0
    case .end, .failed:
      guard !isFailing else { return -1 }
      isFailing = true
      // Told after the present callback: the caller of `write` is in the middle of something.
      let this = LoopBound(self, on: loop)
      loop.post { this.value.finish(.closedByPeer) }
      return -1
    }
  }

  private func flush() {
    guard unsentBytes > 0, !isFailing else { return updateInterest() }
    let sent = backlog.withUnsafeBufferPointer { buffer in
      send(Span(_unsafeElements: UnsafeBufferPointer(rebasing: buffer[backlogStart...])))
    }
    guard sent >= 0 else { return }
    backlogStart += sent
    if unsentBytes == 0 {
      backlog = []
      backlogStart = 0
      if phase == .open { delegate?.drained(self) } else { flushed() }
    } else if backlogStart > 1 << 20 {
      backlog.removeFirst(backlogStart)
      backlogStart = 0
    }
    if phase != .closed { updateInterest() }
  }

  private func flushed() {
    guard phase == .lingering else { return finish(.closedHere) }
    tls?.shutdown()
    shutdown(descriptor, CInt(SHUT_WR))
    if sawEnd { return finish(.closedHere) }
    readingPaused = false
    startDeadline(.seconds(2))
    updateInterest()
  }

  private func updateInterest() {
    guard phase != .closed else { return }
    var wanted: Readiness = []
    if !readingPaused && !sawEnd && phase != .flushing { wanted.insert(.readable) }
    if unsentBytes > 0 { wanted.insert(.writable) }
    setInterest(wanted)
  }

  private func setInterest(_ wanted: Readiness) {
    guard wanted != interest else { return }
    interest = wanted
    if wanted.isEmpty { return disarm() }
    var what = EV_PERSIST
    if wanted.contains(.readable) { what |= EV_READ }
    if wanted.contains(.writable) { what |= EV_WRITE }
    arm(descriptor: descriptor, what: what, timeout: nil)
  }

  private func startDeadline(_ length: Duration) {
    deadline?.cancel()
    deadline = loop.deadlines(length).start { [unowned self] in
      finish(phase == .open || phase == .flushing || phase == .lingering ? .closedHere : .establishmentTimedOut)
    }
  }

  /// The one place where a connection ends and its descriptor is closed.
  private func finish(_ why: ConnectionEnd) {
    guard phase != .closed else { return }
    let hold = self
    phase = .closed
    deadline?.cancel()
    deadline = nil
    disarm()
    if why == .closedHere { tls?.shutdown() }
    Glibc.close(descriptor)
    descriptor = -1
    tls = nil
    (leftover, backlog, backlogStart) = ([], [], 0)
    let (delegate, onEnd) = (delegate, onEnd)
    (self.delegate, self.onEnd) = (nil, nil)
    loop.connections[ObjectIdentifier(self)] = nil
    delegate?.ended(hold, why)
    onEnd?()
  }
}

// MARK: - Establishment

extension Connection {
  /// Begins to live: connects, reads the PROXY header, shakes hands or is open at once, within `allowed` in all.
  func start(within allowed: Duration) {
    loop.connections[ObjectIdentifier(self)] = self
    if phase != .open { startDeadline(allowed) }
    switch phase {
    case .connecting: setInterest(.writable)
    case .open:
      delegate?.connected(self)
      if phase == .open { updateInterest() }
    case .handshake: advanceHandshake()
    default: setInterest(.readable)
    }
  }

  private func connectEnded() {
    var number: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &length)
    guard number == 0 else {
      return finish(.failed(NetworkingError.system("connect to \(peer)", number).description))
    }
    local = SocketAddress.filled { getsockname(descriptor, $0, &$1) }.1
    established()
  }

  private func readProxyHeader() {
    guard let reader = proxyHeader else { return established() }
    switch reader.read(from: descriptor) {
    case .needMore:
      return
    case .failed(let why):
      return finish(why)
    case .done(let source, let destination):
      if let source { peer = source }
      if let destination { local = destination }
      proxyHeader = nil
      established()
    }
  }

  private func established() {
    if tls != nil {
      phase = .handshake
      advanceHandshake()
    } else {
      opened()
    }
  }

  private func advanceHandshake() {
    guard let tls else { return opened() }
    switch tls.handshake() {
    case .done: opened()
    case .wantRead: setInterest(.readable)
    case .wantWrite: setInterest(.writable)
    case .failed(let why): finish(why)
    }
  }

  private func opened() {
    deadline?.cancel()
    deadline = nil
    phase = .open
    delegate?.connected(self)
    guard phase == .open else { return }
    // A client's first request often comes with the end of its handshake.
    if let tls, tls.hasPending { readAll() }
    updateInterest()
  }
}
