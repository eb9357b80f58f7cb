import PostgreSQL
import Testing

@testable import TaskScheduler

@Suite(.timeLimit(.minutes(2)))
struct RetentionTests {
  private let partitions = "SELECT relname FROM pg_class WHERE relname ~ '^task_history_[0-9]{8}$' ORDER BY relname"

  @Test func `the coming weeks have their partitions, made once`() async throws {
    try await SchedulerFixture.with { fixture in
      let retention = Retention(fixture.lane, .seconds(90 * 86_400))
      let made = try await retention.round()
      #expect(made.counts.map(\.count) == [3])
      #expect(try await fixture.column(partitions).count == 3)
      #expect(try await retention.round().counts.isEmpty)
    }
  }

  @Test func `a long reader of the history is not waited for: who waits for its lock stops every worker's writes`()
    async throws
  {
    try await SchedulerFixture.with { fixture in
      try await fixture.database.withLane { other in
        try await other.transaction { reader in
          _ = try await reader.query(Statement("test.read", "SELECT count(*) FROM task_history"))
          let began = ContinuousClock.now
          let error = await #expect(throws: PostgreSQLError.self) {
            try await Retention(fixture.lane, .seconds(90 * 86_400)).round()
          }
          #expect(error?.sqlState == "55P03")
          #expect(ContinuousClock.now - began < .seconds(2))
        }
      }
      _ = try await Retention(fixture.lane, .seconds(90 * 86_400)).round()
      #expect(try await fixture.column(partitions).count == 3)
    }
  }

  @Test func `partitions and rows older than the history is kept are gone`() async throws {
    try await SchedulerFixture.with { fixture in
      try await fixture.execute(
        """
        CREATE TABLE task_history_20200106 PARTITION OF task_history FOR VALUES FROM ('2020-01-06Z') TO ('2020-01-13Z');
        INSERT INTO task_history (id, device, method, arguments, state, once, priority, origin, origin_name, attempt,
                                  lost, version, created_at, finished_at)
        SELECT gen_random_uuid(), gen_random_uuid(), 'Reboot', '{}', 10, true, 0, 1, '', 1, 0, 1, t, t
          FROM (VALUES ('2020-01-07Z'::timestamptz), ('2020-02-07Z'), (now() - interval '1 day')) AS v(t);
        """)
      _ = try await Retention(fixture.lane, .seconds(90 * 86_400)).round()
      let left = try await fixture.column(partitions)
      #expect(!left.contains("task_history_20200106"))
      #expect(try await fixture.value("SELECT count(*) FROM task_history") == "1")
    }
  }
}
