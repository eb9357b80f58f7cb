import Glibc
import Networking
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct EventLoopTests {
  /// An actor that lives on a loop and shows that callbacks are inside its isolation.
  actor Resident {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private(set) var seen: [Int] = []

    init(loop: EventLoop) { self.loop = loop }

    func note(_ value: Int) { seen.append(value) }

    func noteLater(_ value: Int) async {
      await withCheckedContinuation { continuation in
        loop.schedule(after: .milliseconds(1)) {
          self.assumeIsolated { $0.note(value) }
          continuation.resume()
        }
      }
    }
  }

  @Test func `closures of one thread run in the order of their posts`() async throws {
    let loop = try EventLoop(name: "order")
    let seen = Mutex<[Int]>([])
    for value in 0..<1000 { loop.post { seen.withLock { $0.append(value) } } }
    await loop.shutdown()
    #expect(seen.withLock { $0 } == Array(0..<1000))
  }

  @Test func `a post after the end is refused, and stopping twice is harmless`() async throws {
    let loop = try EventLoop(name: "ended")
    loop.stop()
    loop.stop()
    await loop.shutdown()
    await loop.shutdown()
    #expect(loop.post {} == false)
    #expect(loop.isCurrent == false)
  }

  @Test func `an actor pinned to a loop runs there, and assumeIsolated works in its timers`() async throws {
    let loop = try EventLoop(name: "resident")
    let resident = Resident(loop: loop)
    await resident.note(1)
    await resident.noteLater(2)
    #expect(await resident.seen == [1, 2])
    await loop.shutdown()
  }

  @Test func `a task with the loop as its executor never leaves it`() async throws {
    let loop = try EventLoop(name: "task")
    let stayed = await Task(executorPreference: loop) {
      var stayed = loop.isCurrent
      for _ in 0..<100 {
        await Task.yield()
        stayed = stayed && loop.isCurrent
      }
      try? await loop.sleep(for: .milliseconds(1))
      return stayed && loop.isCurrent
    }.value
    #expect(stayed)
    await loop.shutdown()
  }

  @Test func `a task that always yields does not keep timers from firing`() async throws {
    let loop = try EventLoop(name: "yield")
    let fired = Atomic(false)
    let spinning = Task(executorPreference: loop) {
      while !fired.load(ordering: .relaxed) { await Task.yield() }
    }
    loop.post { [unowned loop] in loop.schedule(after: .milliseconds(5)) { fired.store(true, ordering: .relaxed) } }
    await spinning.value
    await loop.shutdown()
  }

  @Test func `a sleep ends early when its task is cancelled`() async throws {
    let loop = try EventLoop(name: "sleep")
    let task = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(3600)) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    let outside = Task { try await loop.sleep(for: .seconds(3600)) }
    outside.cancel()
    await #expect(throws: CancellationError.self) { try await outside.value }
    await loop.shutdown()
  }

  @Test func `sleeps end with CancellationError when the loop ends`() async throws {
    let loop = try EventLoop(name: "ending")
    let (asleep, begun) = AsyncStream.makeStream(of: Void.self)
    let task = Task(executorPreference: loop) {
      loop.post { begun.finish() }
      try await loop.sleep(for: .seconds(3600))
    }
    for await _ in asleep {}
    await loop.shutdown()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func `a deadline cancels the operation and says so; a result in time is returned`() async throws {
    let loop = try EventLoop(name: "deadline")
    await #expect(throws: NetworkingError.self) {
      try await withDeadline(.milliseconds(5), on: loop) { try await loop.sleep(for: .seconds(3600)) }
    }
    #expect(try await withDeadline(.seconds(3600), on: loop) { 7 } == 7)
    await loop.shutdown()
  }

  @Test func `a cancelled timer does not fire, and common deadlines fire in order`() async throws {
    let loop = try EventLoop(name: "timers")
    let seen = Mutex<[Int]>([])
    await withCheckedContinuation { continuation in
      loop.post { [unowned loop] in
        loop.schedule(after: .zero) { seen.withLock { $0.append(0) } }.cancel()
        let queue = loop.deadlines(.milliseconds(3))
        _ = queue.start { seen.withLock { $0.append(1) } }
        queue.start { seen.withLock { $0.append(2) } }.cancel()
        _ = queue.start {
          seen.withLock { $0.append(3) }
          continuation.resume()
        }
      }
    }
    #expect(seen.withLock { $0 } == [1, 3])
    await loop.shutdown()
  }

  @Test func `a watch tells readiness, follows its interest and may cancel itself in its handler`() async throws {
    let loop = try EventLoop(name: "watch")
    var ends: [CInt] = [0, 0]
    #expect(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let (mine, theirs) = (ends[0], ends[1])
    let seen = Mutex<[Readiness]>([])
    await withCheckedContinuation { continuation in
      loop.post { [unowned loop] in
        var watch: DescriptorWatch?
        watch = loop.watch(mine, interest: .writable) { readiness in
          seen.withLock { $0.append(readiness) }
          if readiness == .writable {
            watch?.interest = .readable
            _ = write(theirs, "x", 1)
          } else {
            watch?.cancel()
            watch = nil
            continuation.resume()
          }
        }
      }
    }
    #expect(seen.withLock { $0 } == [.writable, .readable])
    await loop.shutdown()
    close(mine)
    close(theirs)
  }
}
