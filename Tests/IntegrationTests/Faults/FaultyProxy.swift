import Glibc
import Synchronization

/// A TCP proxy between two parts of a cluster that can cut connections after some bytes and pass bytes on late.
///
/// One thread with `poll`; what it is told crosses in atomics.
final class FaultyProxy: Sendable {
  /// Where it listens on loopback.
  let port: Int
  private let listener: Int32
  private let targets: Mutex<[Int]>
  private let cutAfter = Atomic(0)
  private let delay = Atomic(0)
  private let isAbandoning = Atomic(false)
  private let isEnding = Atomic(false)

  /// - Parameter targets: ports of loopback, taken in turn.
  init(to targets: [Int] = []) throws {
    self.targets = Mutex(targets)
    listener = socket(AF_INET, Self.stream, 0)
    var address = Self.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, length) == 0 && listen(descriptor, 512) == 0
          && getsockname(descriptor, pointer, &length) == 0
      }
    }
    guard isBound else { throw CommandFailed(command: "listen on loopback") }
    port = Int(UInt16(bigEndian: address.sin_port))
    var thread = pthread_t()
    let box = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<FaultyProxy>.fromOpaque(argument).takeRetainedValue().work()
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      box.release()
      throw CommandFailed(command: "start a thread")
    }
    pthread_detach(thread)
  }

  /// Where connections go from now on.
  func aim(at target: Int) { targets.withLock { $0 = [target] } }

  /// Cuts each connection after at most so many more bytes; 0 ends that.
  func cut(after bytes: Int) { cutAfter.store(bytes, ordering: .relaxed) }

  /// From now on the server is not told when a connection ends, as where a firewall has forgotten it.
  func abandonServers() { isAbandoning.store(true, ordering: .relaxed) }

  /// Passes bytes on so many milliseconds later.
  func delay(milliseconds: Int) { delay.store(milliseconds, ordering: .relaxed) }

  /// Closes everything.
  func end() { isEnding.store(true, ordering: .relaxed) }

  // MARK: - The thread

  private struct Chunk {
    var bytes: [UInt8]
    var due: Int
    var written = 0
  }

  private struct Pair {
    var ends: [Int32]
    /// What goes to each end.
    var chunks: [[Chunk]] = [[], []]
    var budget: Int
    var isDead = false
  }

  private func work() {
    var pairs: [Pair] = []
    var abandoned: [Int32] = []
    var turn = 0
    while !isEnding.load(ordering: .relaxed) {
      var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      for pair in pairs {
        for end in 0...1 {
          // One that is behind is not read further.
          let reads = pair.chunks[1 - end].count < 64
          let writes = pair.chunks[end].first.map { $0.due <= Self.now } ?? false
          let events = Int16(reads ? POLLIN : 0) | Int16(writes ? POLLOUT : 0)
          polled.append(pollfd(fd: pair.ends[end], events: events, revents: 0))
        }
      }
      poll(&polled, nfds_t(polled.count), 5)
      for index in pairs.indices {
        for end in 0...1 {
          let seen = polled[1 + index * 2 + end].revents
          if seen & Int16(POLLIN | POLLHUP | POLLERR) != 0 { read(&pairs[index], end) }
        }
        for end in 0...1 { write(&pairs[index], end) }
        guard pairs[index].isDead else { continue }
        close(pairs[index].ends[0])
        if isAbandoning.load(ordering: .relaxed) {
          abandoned.append(pairs[index].ends[1])
        } else {
          close(pairs[index].ends[1])
        }
      }
      pairs.removeAll(where: \.isDead)
      let targets = targets.withLock { $0 }
      if polled[0].revents != 0, !targets.isEmpty, let pair = accept(targets[turn % targets.count]) {
        pairs.append(pair)
      }
      turn += 1
    }
    for descriptor in pairs.flatMap(\.ends) + abandoned { close(descriptor) }
    close(listener)
  }

  private func accept(_ target: Int) -> Pair? {
    let client = Glibc.accept(listener, nil, nil)
    guard client >= 0 else { return nil }
    _ = fcntl(client, F_SETFD, FD_CLOEXEC)
    let server = socket(AF_INET, Self.stream, 0)
    var address = Self.loopback(target)
    let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else {
      close(client)
      close(server)
      return nil
    }
    for descriptor in [client, server] {
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      var yes: Int32 = 1
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
    return Pair(ends: [client, server], budget: 0)
  }

  private func read(_ pair: inout Pair, _ end: Int) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(pair.ends[end], &buffer, buffer.count, 0)
    if count < 0, errno == EAGAIN { return }
    // The end of one is the end of both: what is under way is lost, as on a cut line.
    guard count > 0 else {
      pair.isDead = pair.chunks[1 - end].isEmpty || count < 0
      return
    }
    let limit = cutAfter.load(ordering: .relaxed)
    var length = count
    if limit > 0 {
      pair.budget += count
      if pair.budget >= limit {
        length = max(0, count - (pair.budget - limit))
        pair.isDead = true
      }
    } else {
      pair.budget = 0
    }
    let due = Self.now + delay.load(ordering: .relaxed)
    if length > 0 { pair.chunks[1 - end].append(Chunk(bytes: Array(buffer[..<length]), due: due)) }
  }

  private func write(_ pair: inout Pair, _ end: Int) {
    while let chunk = pair.chunks[end].first, chunk.due <= Self.now || pair.isDead {
      let rest = Array(chunk.bytes[chunk.written...])
      let count = send(pair.ends[end], rest, rest.count, Int32(MSG_NOSIGNAL))
      if count < 0 {
        if errno != EAGAIN { pair.isDead = true }
        return
      }
      if count == rest.count { pair.chunks[end].removeFirst() } else { pair.chunks[end][0].written += count }
    }
  }

  /// Not for children: a connection that one of them holds is not cut.
  private static let stream = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

  private static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }

  private static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }
}
