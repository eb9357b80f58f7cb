import Networking
import Operations
import Synchronization
import Testing

@Suite("The life of a process")
struct LifecycleTests {
  /// What the parts did, in order.
  private final class Diary: Sendable {
    private let entries = Mutex<[String]>([])
    func note(_ entry: String) { entries.withLock { $0.append(entry) } }
    var all: [String] { entries.withLock { $0 } }
  }

  private func part(_ name: String, _ diary: Diary) -> LifecyclePart {
    LifecyclePart(
      name, start: { diary.note("+\(name)") }, reload: { diary.note("~\(name)") }, stop: { diary.note("-\(name)") })
  }

  /// Runs a life with the parts; once all have started, `then` is called with it.
  private func live(
    _ parts: [LifecyclePart], stopDeadline: Duration = .seconds(10), readiness: ReadinessBoard = ReadinessBoard(),
    then: @escaping @Sendable (Lifecycle) async -> Void
  ) async throws -> LifecycleEnd {
    let loop = try EventLoop(name: "lifecycle")
    let lifecycle = Lifecycle(
      on: loop, logger: .none, stopDeadline: stopDeadline, readiness: readiness, isAway: { $0 is Away },
      pause: .milliseconds(1))
    for part in parts { await lifecycle.add(part) }
    await lifecycle.add(LifecyclePart("test", start: { await then(lifecycle) }))
    let end = await Task(executorPreference: loop) { await lifecycle.run(watchingSignals: false) }.value
    await loop.shutdown()
    return end
  }

  @Test("Parts start in order and stop in reverse order")
  func order() async throws {
    let diary = Diary()
    let end = try await live([part("a", diary), part("b", diary)]) { $0.requestStop(reason: "done") }
    #expect(end == LifecycleEnd(exitCode: 0, reason: "done"))
    #expect(diary.all == ["+a", "+b", "-b", "-a"])
  }

  @Test("A part that cannot start stops those before it and ends the process with its reason")
  func startFails() async throws {
    struct Refused: Error {}
    let diary = Diary()
    let broken = LifecyclePart("broken", start: { throw Refused() }, stop: { diary.note("-broken") })
    let end = try await live([part("a", diary), broken, part("b", diary)]) { _ in }
    #expect(end == LifecycleEnd(exitCode: 1, reason: "broken could not start: Refused()"))
    #expect(diary.all == ["+a", "-a"])
  }

  private struct Away: Error {}

  @Test(
    "What a part needs and is away is waited for: it is started again, after those before it, and the board says why")
  func away() async throws {
    let diary = Diary()
    let board = ReadinessBoard()
    let late = LifecyclePart(
      "late",
      start: {
        diary.note("late: \(board.missing.map(\.reason))")
        if diary.all.count < 4 { throw Away() }
      }, stop: { diary.note("-late") })
    let end = try await live([part("a", diary), late, part("b", diary)], readiness: board) { lifecycle in
      diary.note("ready: \(board.missing.map(\.reason))")
      lifecycle.requestStop(reason: "done")
    }
    #expect(end == LifecycleEnd(exitCode: 0, reason: "done"))
    let away = #"late: ["late: Away()"]"#
    #expect(
      diary.all == [
        "+a", #"late: ["late is starting"]"#, away, away, "+b", #"ready: ["test is starting"]"#, "-b", "-late", "-a",
      ])
    #expect(board.isReady)
  }

  @Test("A process that waits for what is away can be told to stop")
  func stoppedWhileAway() async throws {
    let diary = Diary()
    let loop = try EventLoop(name: "lifecycle")
    let lifecycle = Lifecycle(on: loop, logger: .none, isAway: { $0 is Away }, pause: .seconds(60))
    await lifecycle.add(part("a", diary))
    await lifecycle.add(
      LifecyclePart(
        "never",
        start: {
          lifecycle.requestStop(reason: "SIGTERM")
          throw Away()
        }))
    let end = await Task(executorPreference: loop) { await lifecycle.run(watchingSignals: false) }.value
    await loop.shutdown()
    #expect(end == LifecycleEnd(exitCode: 0, reason: "SIGTERM"))
    #expect(diary.all == ["+a", "-a"])
  }

  @Test("A part's start may add parts, which start after it and stop before it")
  func added() async throws {
    let diary = Diary()
    let end = try await live([]) { lifecycle in
      await lifecycle.add(self.part("a", diary))
      await lifecycle.add(LifecyclePart("b", start: { lifecycle.requestStop(reason: "done") }))
    }
    #expect(end.exitCode == 0)
    #expect(diary.all == ["+a", "-a"])
  }

  @Test("A part that ends by itself ends the process, and is not waited for")
  func partEnds() async throws {
    let diary = Diary()
    let short = LifecyclePart("short", run: {})
    let end = try await live([part("a", diary), short]) { _ in }
    #expect(end == LifecycleEnd(exitCode: 1, reason: "short ended unexpectedly: it returned"))
    #expect(diary.all == ["+a", "-a"])
  }

  @Test("A part without a task of its own reports its failure")
  func reported() async throws {
    let end = try await live([]) { $0.partFailed("log", reason: "the broker is gone") }
    #expect(end == LifecycleEnd(exitCode: 1, reason: "log ended unexpectedly: the broker is gone"))
  }

  @Test("A part that hangs while it stops does not keep the others from stopping")
  func hangs() async throws {
    let diary = Diary()
    let (never, hold) = AsyncStream.makeStream(of: Void.self)
    let hanging = LifecyclePart(
      "hanging", stopDeadline: .milliseconds(20), stop: { await Task { for await _ in never {} }.value })
    let end = try await live([part("a", diary), hanging]) { $0.requestStop(reason: "done") }
    #expect(end == LifecycleEnd(exitCode: 1, reason: "done"))
    #expect(diary.all == ["+a", "-a"])
    hold.finish()
  }

  @Test("A start that takes too long is a failure")
  func startTooLate() async throws {
    let (never, hold) = AsyncStream.makeStream(of: Void.self)
    let slow = LifecyclePart("slow", startDeadline: .milliseconds(20), start: { for await _ in never {} })
    let end = try await live([slow]) { _ in }
    #expect(end.exitCode == 1)
    #expect(end.reason.hasPrefix("slow could not start: not within"))
    hold.finish()
  }
}

@Suite("Readiness")
struct ReadinessBoardTests {
  @Test("A process is ready when every condition holds, and says which does not")
  func conditions() {
    let board = ReadinessBoard()
    #expect(board.isReady)
    board.expect("database")
    board.expect("log")
    board.ready("log")
    #expect(board.missing.map(\.name) == ["database"])
    board.ready("database")
    #expect(board.isReady)
    board.notReady("database", reason: "connection refused")
    #expect(board.missing.first?.reason == "connection refused")
  }
}
