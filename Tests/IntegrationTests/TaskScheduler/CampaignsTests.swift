import Cryptography
import Fleet
import Testing

@testable import TaskScheduler

@Suite(.timeLimit(.minutes(2)))
struct CampaignsTests {
  private let id = UUID128(high: 0xca, low: 1)

  private func campaign(
    _ fixture: SchedulerFixture, filter: String = "{}", rate: Int = 6000, concurrency: Int = 100
  ) async throws -> Campaigns {
    try await fixture.execute(
      """
      INSERT INTO firmware_image VALUES ('img', 'Maker', '{Model}', '2.0', 'maker/model 2.0.bin', 1000, '\\x00', now());
      INSERT INTO campaign (id, name, image, filter, rate_per_minute, concurrency, state, allowance_at, created_at,
                            changed_at)
      VALUES ('\(id)', 'spring', 'img', '\(filter)', \(rate), \(concurrency), 1, now() - interval '1 h', now(), now());
      """)
    var settings = SchedulerSettings()
    settings.fileURL = "http://acs.example.net:7547/files/"
    return Campaigns(fixture.lane, settings)
  }

  private func states(_ fixture: SchedulerFixture) async throws -> [String] {
    try await fixture.column("SELECT state FROM campaign_device ORDER BY device")
  }

  @Test func `devices that image and filter match get a Download, those on the version are skipped`() async throws {
    try await SchedulerFixture.with { fixture in
      try await fixture.device(1)
      try await fixture.device(2, version: "2.0")
      try await fixture.device(3, model: "Other")
      try await fixture.device(4, version: "0.9")
      let campaigns = try await campaign(fixture, filter: #"{"software_version": ["1.0", "2.0"], "oui": ["A0B0C0"]}"#)
      _ = try await campaigns.round()
      #expect(try await states(fixture) == ["2", "12"])
      let url = try await fixture.column("SELECT arguments->>'url' FROM task")
      #expect(url == ["http://acs.example.net:7547/files/maker/model%202.0.bin"])
      #expect(try await fixture.value("SELECT arguments->>'software_version' FROM task") == "2.0")
      #expect(try await fixture.value("SELECT once FROM task") == "true")
      #expect(try await fixture.value("SELECT origin_name FROM task") == "spring")
      #expect(try await fixture.value("SELECT count(*) FROM wakeup") == "1")
      #expect(try await fixture.value("SELECT count(*) FROM outbox") == "1")
    }
  }

  @Test func `a campaign that fails stops no other`() async throws {
    try await SchedulerFixture.with { fixture in
      try await fixture.device(1)
      _ = try await campaign(fixture)
      // Called off, one before and one after it.
      try await fixture.execute(
        """
        INSERT INTO campaign (id, name, image, filter, rate_per_minute, concurrency, state, allowance_at, created_at,
                              changed_at)
        SELECT (n || '0000000-0000-0000-0000-000000000000')::uuid, 'off ' || n, 'img', '{}', 1, 1, 3, now(), now(),
               now()
          FROM (VALUES ('0'), ('f')) AS v(n);
        INSERT INTO campaign_device SELECT c.id, d.id, 1, NULL, '', now() FROM campaign c, device d WHERE c.state = 3;
        """)
      let withoutFiles = Campaigns(fixture.lane, SchedulerSettings())
      await #expect(throws: (any Error).self, "told") { try await withoutFiles.round() }
      #expect(
        try await fixture.value("SELECT count(*) FROM campaign_device WHERE campaign <> '\(id)' AND state = 1") == "0")
    }
  }

  @Test func `a device has succeeded when it reports the version, and the campaign is completed with the last`()
    async throws
  {
    try await SchedulerFixture.with { fixture in
      let device = try await fixture.device(1)
      let failing = try await fixture.device(2)
      let campaigns = try await campaign(fixture)
      _ = try await campaigns.round()
      #expect(try await states(fixture) == ["2", "2"])
      // The worker ends both tasks: one well, one with the CPE's fault.
      try await fixture.execute(
        """
        WITH gone AS (DELETE FROM task RETURNING *)
        INSERT INTO task_history (id, device, method, arguments, state, once, priority, origin, origin_name, attempt,
                                  lost, fault, version, created_at, finished_at)
        SELECT id, device, method, arguments, CASE WHEN device = '\(failing)' THEN 11 ELSE 10 END, once, priority,
               origin, origin_name, 1, 0, '{"code": 9010, "message": "download failure"}', 3, created_at, now()
          FROM gone;
        """)
      _ = try await campaigns.round()
      #expect(try await states(fixture) == ["2", "11"])
      #expect(try await fixture.value("SELECT detail FROM campaign_device WHERE state = 11") == "download failure")
      #expect(try await fixture.value("SELECT state FROM campaign") == "1")
      try await fixture.execute("UPDATE device SET software_version = '2.0' WHERE id = '\(device)'")
      _ = try await campaigns.round()
      #expect(try await states(fixture) == ["10", "11"])
      #expect(try await fixture.value("SELECT state FROM campaign") == "4")
    }
  }

  @Test func `a device that downloaded and never reports the version has failed after a while`() async throws {
    try await SchedulerFixture.with { fixture in
      try await fixture.device(1)
      let campaigns = try await campaign(fixture)
      _ = try await campaigns.round()
      try await fixture.execute(
        """
        WITH gone AS (DELETE FROM task RETURNING *)
        INSERT INTO task_history (id, device, method, arguments, state, once, priority, origin, origin_name, attempt,
                                  lost, version, created_at, finished_at)
        SELECT id, device, method, arguments, 10, once, priority, origin, origin_name, 1, 0, 3, created_at,
               now() - interval '2 h' FROM gone;
        """)
      _ = try await campaigns.round()
      #expect(try await states(fixture) == ["11"])
      #expect(try await fixture.value("SELECT detail FROM campaign_device").contains("another version than 2.0"))
    }
  }

  @Test func `no more are under way than the cap, and no more begin than the rate`() async throws {
    try await SchedulerFixture.with { fixture in
      for number in 1...12 { try await fixture.device(UInt64(number)) }
      let campaigns = try await campaign(fixture, rate: 6000, concurrency: 5)
      for _ in 0..<3 { _ = try await campaigns.round() }
      #expect(try await fixture.value("SELECT count(*) FROM task") == "5")
      try await fixture.execute("UPDATE campaign SET concurrency = 100, rate_per_minute = 6, allowance = 0")
      _ = try await campaigns.round()
      #expect(try await fixture.value("SELECT count(*) FROM task") == "5")
      try await fixture.execute("UPDATE campaign SET allowance_at = now() - interval '10 s'")
      _ = try await campaigns.round()
      #expect(try await fixture.value("SELECT count(*) FROM task") == "6")
    }
  }

  @Test func `a paused campaign begins nothing, a cancelled one ends what was not sent`() async throws {
    try await SchedulerFixture.with { fixture in
      for number in 1...4 { try await fixture.device(UInt64(number)) }
      let campaigns = try await campaign(fixture, concurrency: 2)
      try await fixture.execute("UPDATE campaign SET state = 2")
      _ = try await campaigns.round()
      #expect(try await states(fixture) == ["1", "1", "1", "1"])
      try await fixture.execute("UPDATE campaign SET state = 1")
      _ = try await campaigns.round()
      #expect(try await states(fixture) == ["2", "2", "1", "1"])
      // One was dispatched: only its device can tell what becomes of it.
      try await fixture.execute("UPDATE task SET state = 2 WHERE device = '\(UUID128(high: 0xd, low: 1))'")
      try await fixture.execute("UPDATE campaign SET state = 3")
      _ = try await campaigns.round()
      _ = try await campaigns.round()
      #expect(try await states(fixture) == ["2", "13", "13", "13"])
      #expect(try await fixture.value("SELECT state FROM task_history") == "12")
      #expect(try await fixture.value("SELECT state FROM task") == "2")
    }
  }

  @Test func `planning goes in bounded steps and takes every device once`() async throws {
    try await SchedulerFixture.with { fixture in
      try await fixture.execute(
        """
        INSERT INTO device (id, identity, manufacturer, oui, product_class, serial_number, created_at, seen_at)
        SELECT gen_random_uuid(), 'many-' || n, 'Maker', 'A0B0C0', 'Model', n::text, now(), now()
          FROM generate_series(1, 4500) AS n
        """)
      let campaigns = try await campaign(fixture, rate: 0)
      var rounds = 0
      var hasMore = true
      while hasMore, rounds < 10 {
        hasMore = try await campaigns.round().hasMore
        rounds += 1
      }
      #expect(rounds == 3)
      #expect(try await fixture.value("SELECT count(*) FROM campaign_device WHERE state = 1") == "4500")
    }
  }
}
