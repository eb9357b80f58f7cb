import Cryptography
import EventLog
import Fleet
import Testing

@testable import TaskScheduler

@Suite(.timeLimit(.minutes(2)))
struct TaskClockTests {
  @Test func `a queued task past its deadline expires with its event, and what waits for it fails`() async throws {
    try await SchedulerFixture.with { fixture in
      let device = try await fixture.device(1)
      let late = try await fixture.task(device, deadline: -1)
      let dependent = try await fixture.task(device, dependsOn: late)
      let last = try await fixture.task(device, dependsOn: dependent)
      let other = try await fixture.device(2)
      let live = try await fixture.task(other)
      let round = try await TaskExpiry(fixture.lane).round()
      #expect(Dictionary(uniqueKeysWithValues: round.counts) == ["expired": 1, "failed_dependents": 2])
      #expect(try await fixture.column("SELECT id FROM task") == ["\(live)"])
      #expect(try await fixture.value("SELECT state FROM task_history WHERE id = '\(late)'") == "13")
      #expect(try await fixture.value("SELECT state FROM task_history WHERE id = '\(last)'") == "11")
      #expect(try await fixture.column("SELECT device FROM wakeup") == ["\(other)"])
      let events = try await fixture.column(
        "SELECT convert_from(value, 'UTF8')::json->>'state' FROM outbox ORDER BY seq")
      #expect(events == ["expired", "failed", "failed"])
      #expect(try await TaskExpiry(fixture.lane).round().counts.isEmpty)
    }
  }

  @Test func `a task that was sent and is past its deadline makes a due record, not twice within 30 s`() async throws {
    try await SchedulerFixture.with { fixture in
      let device = try await fixture.device(1)
      let task = try await fixture.task(device, .inDoubt, deadline: -1, attempt: 3)
      try await fixture.task(device, .dispatched, deadline: 60)
      try await fixture.task(device, .queued, deadline: -1)
      let activity = OverdueTasks(try await fixture.lanes(), fixture.lane, try await fixture.records())
      #expect(try await activity.round().counts.map(\.count) == [1])
      #expect(try await activity.round().counts.isEmpty)
      let records = try await fixture.read(.messages)
      let message = try CPEMessage(try #require(records.first), body: [])
      #expect(records.count == 1)
      #expect(message.kind == .due)
      #expect(message.device == device)
      #expect(message.task == task)
      #expect(message.attempt == 3)
    }
  }

  @Test func `a session without a POST for too long makes a lost record`() async throws {
    try await SchedulerFixture.with { fixture in
      let session = UUID128.random()
      let post = PostID(instance: .random(), counter: 9)
      for (number, age, patience) in [(1, 31, 30), (2, 29, 30), (3, 100, 120)] {
        let device = try await fixture.device(UInt64(number))
        let hex = post.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try await fixture.execute(
          """
          INSERT INTO session (device, id, namespace, events, authentication, last_post_at, lost_after, post)
          VALUES ('\(device)', '\(session)', 0, '{}', 1, now() - interval '\(age) s', interval '\(patience) s',
                  '\\x\(hex)')
          """)
      }
      let activity = LostSessions(try await fixture.lanes(), fixture.lane, try await fixture.records())
      #expect(try await activity.round().counts.map(\.count) == [1])
      #expect(try await activity.round().counts.isEmpty)
      let records = try await fixture.read(.messages)
      let message = try CPEMessage(try #require(records.first), body: [])
      #expect(message.kind == .lost)
      #expect(message.device == UUID128(high: 0xd, low: 1))
      #expect(message.session == session)
      #expect(message.post == post)
    }
  }

  @Test func `a scheduler that owns no lanes leaves sessions and tasks to those that do`() async throws {
    try await SchedulerFixture.with { fixture in
      try await fixture.task(try await fixture.device(1), .dispatched, deadline: -1)
      let lanes = try await fixture.lanes()
      await lanes.stop()
      let activity = OverdueTasks(lanes, fixture.lane, try await fixture.records())
      #expect(try await activity.round().counts.isEmpty)
    }
  }
}
