import Cryptography
import Networking
import PostgreSQL

/// Waits for the ends of tasks on behalf of requests: one statement for all that wait, ten times a second while any
/// does. Lives on its lane's loop.
actor TaskWatch {
  private struct Wait {
    var task: UUID128
    var end: ContinuousClock.Instant
    var continuation: CheckedContinuation<Void, Never>
  }

  private static let period = Duration.milliseconds(100)

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private nonisolated let loop: EventLoop
  private let lane: Lane
  private let limit: Int
  private var waiting: [Int: Wait] = [:]
  private var next = 0
  private var looking: Task<Void, Never>?
  private var isClosed = false

  init(_ lane: Lane, limit: Int) {
    self.lane = lane
    self.limit = limit
    loop = lane.loop
  }

  /// Returns when the task is not live any more, the time is over, the request is cancelled, or the server drains.
  ///
  /// - Throws: ``Problem`` of kind `too-many`.
  func wait(for task: UUID128, seconds: Int64) async throws(Problem) {
    guard seconds > 0, !isClosed else { return }
    guard waiting.count < limit else {
      throw Problem(.tooMany, "\(limit) requests wait for tasks already; ask without wait", field: "wait")
    }
    let number = next
    next += 1
    let end = ContinuousClock.now + .seconds(seconds)
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if Task.isCancelled || isClosed { return continuation.resume() }
        waiting[number] = Wait(task: task, end: end, continuation: continuation)
        if looking == nil { look() }
      }
    } onCancel: {
      loop.post { self.assumeIsolated { $0.end(number) } }
    }
  }

  /// Ends all waits.
  func close() {
    isClosed = true
    looking?.cancel()
    for number in Array(waiting.keys) { end(number) }
  }

  private func end(_ number: Int) { waiting.removeValue(forKey: number)?.continuation.resume() }

  /// The one task that looks; it ends with the last wait.
  private func look() {
    looking = Task(executorPreference: loop) { await self.lookUntilNobodyWaits() }
  }

  private func lookUntilNobodyWaits() async {
    while !Task.isCancelled, !waiting.isEmpty {
      try? await loop.sleep(for: Self.period)
      await lookOnce()
    }
    looking = nil
  }

  private func lookOnce() async {
    // While the database is away nobody's task can be seen to end; the waits end by their time.
    let rows = try? await lane.query(Self.ended, .uuids(Set(waiting.values.map(\.task)).sorted()))
    let ended = Set((rows ?? nil)?.compactMap { try? $0.uuid(0) } ?? [])
    let now = ContinuousClock.now
    for (number, wait) in waiting where ended.contains(wait.task) || wait.end <= now { end(number) }
  }

  private static let ended = Statement(
    "tasks.ended",
    "SELECT id FROM unnest($1::uuid[]) AS w(id) WHERE NOT EXISTS (SELECT FROM task t WHERE t.id = w.id)")
}
