import Glibc
import Synchronization

/// The process's one writer of log lines: loops append to a bounded buffer, a thread of its own writes it out, so that
/// a slow or stuck reader of the log never stops a loop. What does not fit is dropped and counted, and the count is
/// itself a line once there is room.
public final class LogWriter: Sendable {
  private struct State {
    var buffer: [UInt8] = []
    var dropped = 0
    var isClosed = false
  }

  /// How long lines gather before they are written; what a crash may lose.
  private static let gatheringMilliseconds = 5

  private let state = Mutex(State())
  private let wake = Semaphore()
  private let output: Int32
  private let capacity: Int
  private let finished = Atomic<Bool>(false)
  private let droppedLines = Atomic<Int>(0)

  /// Drops all lines without counting them.
  public static let discarding = LogWriter(closedOver: -1)

  private init(closedOver descriptor: Int32) {
    output = descriptor
    capacity = 0
    state.withLock { $0.isClosed = true }
  }

  /// A writer onto a descriptor, 2 for standard error, with its thread started.
  ///
  /// - Parameter capacity: bytes that may wait.
  public init(descriptor: Int32 = 2, capacity: Int = 4 << 20) {
    output = descriptor
    self.capacity = capacity
    start()
  }

  /// The lines dropped since the start.
  public var dropped: Int { droppedLines.load(ordering: .relaxed) }

  /// Takes a line, or drops it where the buffer is full. An urgent one is written at once.
  func append(_ line: [UInt8], isUrgent: Bool) {
    let wasEmpty = state.withLock { state in
      guard !state.isClosed else { return false }
      guard state.buffer.count + line.count <= capacity else {
        state.dropped += 1
        droppedLines.wrappingAdd(1, ordering: .relaxed)
        return false
      }
      defer { state.buffer.append(contentsOf: line) }
      return state.buffer.isEmpty
    }
    if wasEmpty { wake.signal() }
    if isUrgent { wake.signal() }
  }

  /// Writes out what waits and ends the thread; later lines are dropped. Returns when done, at the latest after
  /// `deadlineMilliseconds`.
  public func close(deadlineMilliseconds: Int = 2000) {
    let wasOpen = state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
    guard wasOpen else { return }
    wake.signal()
    wake.signal()
    // The end of a process, with no loop left to wait on: a bounded poll of a flag is all that is needed.
    for _ in 0..<deadlineMilliseconds where !finished.load(ordering: .acquiring) { usleep(1000) }
  }

  private func start() {
    var thread = pthread_t()
    // The thread holds the writer until it has ended; a writer that is never closed lives as long as the process.
    let context = Unmanaged.passRetained(self).toOpaque()
    let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
      guard let context else { return nil }
      Unmanaged<LogWriter>.fromOpaque(context).takeRetainedValue().run()
      return nil
    }
    let failure = pthread_create(&thread, nil, main, context)
    if failure == 0 {
      pthread_detach(thread)
    } else {
      Unmanaged<LogWriter>.fromOpaque(context).release()
      state.withLock { $0.isClosed = true }
    }
  }

  private func run() {
    var open = true
    while open {
      wake.wait()
      // A moment for more lines to come: one wake-up and one write for all of them, not one each (a second signal, of
      // an urgent line or of the end, cuts it short).
      wake.wait(atMostMilliseconds: Self.gatheringMilliseconds)
      var taken: (bytes: [UInt8], dropped: Int)
      (taken, open) = state.withLock { state in
        defer {
          state.buffer = []
          state.dropped = 0
        }
        return ((state.buffer, state.dropped), !state.isClosed)
      }
      if taken.dropped > 0 {
        var line = LogLine(
          level: .warning, message: "log lines dropped", context: [], unixMilliseconds: SystemClock.unixMilliseconds())
        line.add(.count, taken.dropped)
        line.finish()
        taken.bytes += line.bytes
      }
      writeOut(taken.bytes)
    }
    finished.store(true, ordering: .releasing)
  }

  private func writeOut(_ bytes: [UInt8]) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(output, buffer.baseAddress.map { $0 + written }, buffer.count - written)
      }
      if count > 0 {
        written += count
      } else if errno == EAGAIN {
        var descriptor = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
        poll(&descriptor, 1, 1000)
      } else if errno != EINTR {
        return
      }
    }
  }
}
