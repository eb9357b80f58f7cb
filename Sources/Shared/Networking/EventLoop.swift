import CLibEvent
import Glibc
import Synchronization

/// One thread with one libevent base, on which connections, libpq sockets, timers and wake-ups hang (architecture §8).
///
/// What lives on a loop is plain and not Sendable; it is never touched from outside. The only thing that crosses
/// threads is a closure (``post(_:)``) or a job of Swift's runtime, through one mailbox and one eventfd. Three rules
/// make `async` code on a loop cost no hop:
///
/// 1. a job enqueued from the loop's own thread goes to a plain array, without lock or eventfd;
/// 2. every C callback enters through ``enter(_:)``, which runs those jobs as it leaves the outermost callback, so that
///    what a callback resumed has run before the loop sleeps;
/// 3. from another thread the mailbox is locked, and the eventfd is written only if the mailbox was empty.
///
/// Start `async` work with `Task(executorPreference: loop)`, or pin an actor:
/// `nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }`; its
/// `assumeIsolated` then works inside the loop's callbacks.
///
/// `@unchecked Sendable`, because: `name`, `base`, `wakeup` never change; `mailbox` is a Mutex and `thread` an Atomic;
/// every other stored property is touched by the loop's own thread only, which each entry that reaches them checks
/// (`preconditionOnLoop`) or is called by (libevent's callbacks). The base itself is freed in `deinit`, when the
/// thread, which keeps a reference, has ended.
public final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
  /// The thread's name, for logs and `top -H`; the kernel keeps the first 15 bytes.
  public let name: String

  let base: OpaquePointer
  private let wakeup: CInt
  private let mailbox = Mutex(Mailbox())
  private let thread = Atomic<UInt>(0)

  // The loop's thread only, from here on.
  private var ready: [Work] = []
  private var spare: [Work] = []
  private var depth = 0
  private var stopping = false
  private var cachedNow: ContinuousClock.Instant?
  var deadlineQueues: [Duration: DeadlineQueue] = [:]
  var connections: [ObjectIdentifier: Connection] = [:]
  /// What is read from a socket stays here for the length of one callback.
  lazy var readBuffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 65536)

  enum Work: Sendable {
    case job(UnownedJob)
    case closure(@Sendable () -> Void)
  }

  private struct Mailbox: Sendable {
    var letters: [Work] = []
    var closed = false
    var waitingForEnd: [CheckedContinuation<Void, Never>] = []
  }

  /// Starts the thread.
  ///
  /// - Throws: `NetworkingError` (`.system`) if descriptors or threads have run out.
  public init(name: String) throws(NetworkingError) {
    self.name = name
    let config = event_config_new()
    defer { event_config_free(config) }
    let flags = EVENT_BASE_FLAG_NOLOCK.rawValue | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST.rawValue
    event_config_set_flag(config, CInt(flags))
    guard let base = event_base_new_with_config(config) else { throw .system("start event loop \(name)") }
    self.base = base
    wakeup = carillon_eventfd()
    guard wakeup >= 0 else { throw .system("start event loop \(name): eventfd") }
    try startThread()
  }

  deinit {
    event_base_free(base)
    close(wakeup)
  }

  // MARK: - From any thread

  /// True on the loop's own thread.
  public var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }

  /// Runs `work` on the loop, in the order of posts, soon; from the loop's own thread: after the present callback.
  ///
  /// - Returns: false if the loop has ended, and `work` will never run.
  @discardableResult
  public func post(_ work: @escaping @Sendable () -> Void) -> Bool { submit(.closure(work)) }

  /// Takes a job of Swift's runtime; part of `SerialExecutor` and `TaskExecutor`.
  public func enqueue(_ job: consuming ExecutorJob) { submit(.job(UnownedJob(job))) }

  /// Ends the loop after the work already posted; returns at once and may be called again. Timers and watches that are
  /// left are cancelled, sleeps throw `CancellationError`. Stop a loop last: a job enqueued after its end never runs.
  public func stop() {
    post { [unowned self] in stopping = true }
  }

  /// Stops the loop and waits for the end of its thread. Not to be called on the loop itself.
  public func shutdown() async {
    precondition(!isCurrent, "EventLoop \(name) cannot wait for its own end")
    stop()
    await withCheckedContinuation { continuation in
      let ended = mailbox.withLock { mailbox in
        if !mailbox.closed { mailbox.waitingForEnd.append(continuation) }
        return mailbox.closed
      }
      if ended { continuation.resume() }
    }
  }

  // MARK: - On the loop

  /// The time at which this turn of the loop began to work; read once a turn.
  public var now: ContinuousClock.Instant {
    preconditionOnLoop()
    if let cachedNow { return cachedNow }
    let now = ContinuousClock.now
    cachedNow = now
    return now
  }

  /// Runs `body` as the outside world's entry to the loop: every C callback goes through here exactly once. Leaving the
  /// outermost entry runs the jobs that `body` made ready. Handlers of timers, watches and connections are already
  /// inside.
  @inline(__always)
  public func enter<Result>(_ body: () -> Result) -> Result {
    depth += 1
    defer {
      depth -= 1
      if depth == 0 && !ready.isEmpty { runReady() }
    }
    return body()
  }

  /// Traps off the loop's thread: a data race is worse.
  @inline(__always)
  func preconditionOnLoop() {
    precondition(isCurrent, "only to be used on its own event loop")
  }

  // MARK: - The thread

  private func startThread() throws(NetworkingError) {
    var identity = pthread_t()
    let result = pthread_create(
      &identity, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    guard result == 0 else {
      Unmanaged.passUnretained(self).release()
      throw .system("start event loop \(name): thread", result)
    }
    pthread_detach(identity)
  }

  private func run() {
    thread.store(pthread_self(), ordering: .relaxed)
    carillon_name_thread(name)
    let letters = event_new(
      base, wakeup, Int16(EV_READ | EV_PERSIST),
      { _, _, context in
        guard let context else { return }
        Unmanaged<EventLoop>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.openMailbox() }
      }, Unmanaged.passUnretained(self).toOpaque())
    event_add(letters, nil)
    while !stopping {
      cachedNow = nil
      // A turn of its own each time, so that `now` can be cached by turn and long chains of jobs let sockets through.
      event_base_loop(base, ready.isEmpty ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK)
      if !ready.isEmpty { runReady() }
    }
    event_free(letters)
    end()
  }

  @discardableResult
  private func submit(_ work: Work) -> Bool {
    if isCurrent {
      ready.append(work)
      return true
    }
    let (accepted, wasEmpty) = mailbox.withLock { mailbox in
      if mailbox.closed { return (false, false) }
      mailbox.letters.append(work)
      return (true, mailbox.letters.count == 1)
    }
    if wasEmpty {
      // Cannot fail for a full counter: it is written once per emptying.
      var one: UInt64 = 1
      _ = write(wakeup, &one, 8)
    }
    return accepted
  }

  private func openMailbox() {
    var count: UInt64 = 0
    _ = read(wakeup, &count, 8)
    enter { takeLetters() }
  }

  private func takeLetters() {
    let letters = mailbox.withLock { mailbox in
      let letters = mailbox.letters
      mailbox.letters = []
      return letters
    }
    for letter in letters { perform(letter) }
  }

  /// Runs what is ready, and what that makes ready, up to 64 rounds: then descriptors get their turn.
  private func runReady() {
    depth += 1
    defer { depth -= 1 }
    var rounds = 0
    while !ready.isEmpty && rounds < 64 {
      rounds += 1
      swap(&ready, &spare)
      var batch: [Work] = []
      swap(&batch, &spare)
      for work in batch { perform(work) }
      batch.removeAll(keepingCapacity: true)
      swap(&batch, &spare)
    }
  }

  private func perform(_ work: Work) {
    switch work {
    case .job(let job):
      job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
    case .closure(let closure):
      closure()
    }
  }

  /// The last turn: cancels what hangs on the base, runs what that resumed, closes the mailbox when it is empty.
  private func end() {
    var open = true
    while open {
      for connection in connections.values { enter { connection.close() } }
      LoopEvent.cancelAll(on: base)
      takeLetters()
      runReady()
      let waiting = mailbox.withLock { mailbox -> [CheckedContinuation<Void, Never>] in
        guard mailbox.letters.isEmpty && ready.isEmpty && connections.isEmpty else { return [] }
        mailbox.closed = true
        open = false
        let waiting = mailbox.waitingForEnd
        mailbox.waitingForEnd = []
        return waiting
      }
      if !open { thread.store(0, ordering: .relaxed) }
      for continuation in waiting { continuation.resume() }
    }
    deadlineQueues = [:]
    readBuffer.deallocate()
  }
}
