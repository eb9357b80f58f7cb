import Fleet
import PostgreSQL
import Testing

@Suite("Tasks after a restore", .timeLimit(.minutes(2)))
struct RestoredTasksTests {
  @Test func `who has queued work is woken, for the session that was to bring it is forgotten`() async throws {
    try await SchedulerFixture.with { fixture in
      let device = try await fixture.device(1)
      let doubtful = try await fixture.device(2)
      try await fixture.task(device)
      try await fixture.task(doubtful)
      try await fixture.execute(
        """
        UPDATE task SET once = false WHERE device = '\(device)';
        INSERT INTO session (device, id, namespace, events, authentication, last_post_at, lost_after)
        VALUES ('\(device)', gen_random_uuid(), 0, '{}', 1, now(), interval '30 s');
        DELETE FROM wakeup;
        """)
      _ = try await fixture.lane.transaction { try await TaskStore.noteRestore(in: $0) }
      #expect(try await fixture.column("SELECT device FROM wakeup") == ["\(device)"])
      #expect(try await fixture.column("SELECT device FROM task WHERE state = 4") == ["\(doubtful)"])
    }
  }
}
