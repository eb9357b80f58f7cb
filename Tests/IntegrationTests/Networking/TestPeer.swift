import Synchronization

@testable import Networking

/// A client on a loop of its own, for tests: sends bytes, collects what comes, and lets a test wait for it.
final class TestPeer: ConnectionDelegate {
  private let loop: EventLoop
  private var connection: Connection?
  private(set) var received: [UInt8] = []
  private(set) var end: ConnectionEnd?
  private(set) var isConnected = false
  private var waiters: [(condition: (TestPeer) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []

  init(loop: EventLoop) { self.loop = loop }

  func connect(to address: SocketAddress, _ options: ConnectOptions) throws {
    connection = try Connection.connect(to: address, on: loop, options: options, delegate: self)
  }

  func send(_ bytes: [UInt8]) { connection?.write(bytes) }
  func shutdownWriting() { connection?.shutdownWriting() }
  func close() { connection?.close() }
  func pause() { connection?.pauseReading() }
  var tlsDescription: String? { connection?.tlsDescription }
  var tlsSession: TLSSession? { connection?.tlsSession }

  func connected(_ connection: Connection) {
    isConnected = true
    check()
  }

  func received(_ bytes: Span<UInt8>, _ connection: Connection) -> Int {
    bytes.withUnsafeBufferPointer { received.append(contentsOf: $0) }
    check()
    return bytes.count
  }

  func ended(_ connection: Connection, _ why: ConnectionEnd) {
    end = why
    self.connection = nil
    check()
  }

  func contains(_ wanted: [UInt8]) -> Bool { received.contains(wanted) }

  func wait(_ condition: @escaping (TestPeer) -> Bool, _ continuation: CheckedContinuation<Void, Never>) {
    waiters.append((condition, continuation))
    check()
  }

  private func check() {
    let met = waiters.filter { $0.condition(self) || end != nil }
    waiters.removeAll { $0.condition(self) || end != nil }
    for waiter in met { waiter.continuation.resume() }
  }
}

/// The test's handle on a ``TestPeer``.
struct TestClient: Sendable {
  let loop: EventLoop
  private let peer: LoopBound<TestPeer>

  static func connect(
    to address: SocketAddress, on loop: EventLoop, options: ConnectOptions = ConnectOptions()
  ) async throws -> TestClient {
    let peer = try await loop.run {
      let peer = TestPeer(loop: loop)
      try peer.connect(to: address, options)
      return LoopBound(peer, on: loop)
    }
    let client = TestClient(loop: loop, peer: peer)
    await client.wait { $0.isConnected }
    return client
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) {
    let peer = peer
    loop.post { peer.value.send(bytes) }
  }

  func shutdownWriting() {
    let peer = peer
    loop.post { peer.value.shutdownWriting() }
  }

  func close() {
    let peer = peer
    loop.post { peer.value.close() }
  }

  /// All text received, once it contains `text` or the connection has ended.
  func receive(until text: String) async -> String {
    let wanted = Array(text.utf8)
    await wait { $0.contains(wanted) }
    return await received()
  }

  /// All text received once the server has closed.
  func receiveToEnd() async -> String {
    await wait { _ in false }
    return await received()
  }

  /// All bytes received once the server has closed.
  func bytesToEnd() async -> [UInt8] {
    await wait { _ in false }
    let peer = peer
    return (try? await loop.run { peer.value.received }) ?? []
  }

  func received() async -> String {
    let peer = peer
    return (try? await loop.run { String(decoding: peer.value.received, as: UTF8.self) }) ?? ""
  }

  func end() async -> ConnectionEnd? {
    let peer = peer
    return (try? await loop.run { peer.value.end }) ?? nil
  }

  func tlsDescription() async -> String? {
    let peer = peer
    return (try? await loop.run { peer.value.tlsDescription }) ?? nil
  }

  func tlsSession() async -> TLSSession? {
    let peer = peer
    return (try? await loop.run { peer.value.tlsSession }) ?? nil
  }

  func pause() async {
    let peer = peer
    try? await loop.run { peer.value.pause() }
  }

  private func wait(_ condition: @escaping @Sendable (TestPeer) -> Bool) async {
    let peer = peer
    await withCheckedContinuation { continuation in
      loop.post { peer.value.wait(condition, continuation) }
    }
  }
}
