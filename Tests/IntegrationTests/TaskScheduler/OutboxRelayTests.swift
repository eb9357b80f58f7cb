import Cryptography
import EventLog
import Fleet
import PostgreSQL
import Testing

@testable import TaskScheduler

@Suite(.timeLimit(.minutes(2)))
struct OutboxRelayTests {
  private func insert(_ fixture: SchedulerFixture, devices: Int, events: Int, topic: Topic = .taskEvents) async throws {
    try await fixture.execute(
      """
      INSERT INTO outbox (lane, device, seq, topic, headers, value)
      SELECT d & 15, ('00000000-0000-000d-0000-' || lpad(to_hex(d), 12, '0'))::uuid, s, \(topic.rawValue), '',
             convert_to(s::text, 'UTF8')
        FROM generate_series(1, \(devices)) AS d, generate_series(1, \(events)) AS s ORDER BY s, d
      """)
  }

  private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func `events leave in order per device, with their sequence, and are deleted once acknowledged (P5)`()
    async throws
  {
    try await SchedulerFixture.with { fixture in
      try await insert(fixture, devices: 20, events: 30)
      let relay = OutboxRelay(try await fixture.lanes(), fixture.lane, try await fixture.records())
      #expect(try await relay.round().counts.map(\.count) == [600])
      #expect(try await fixture.value("SELECT count(*) FROM outbox") == "0")
      let records = try await fixture.read(.taskEvents)
      #expect(records.count == 600)
      for (key, events) in Dictionary(grouping: records, by: \.key) {
        #expect(events.map { text($0.value) } == (1...30).map(String.init), "device \(text(key))")
        let sequences = events.compactMap { $0.headers.first("ce_sequence").map(text) }
        #expect(sequences == sequences.sorted())
        #expect(sequences.count == 30)
        #expect(Set(events.map(\.partition)).count == 1)
      }
    }
  }

  @Test func `dead letters go the same way, each topic to its own`() async throws {
    try await SchedulerFixture.with { fixture in
      try await insert(fixture, devices: 2, events: 1, topic: .deadLetters)
      let relay = OutboxRelay(try await fixture.lanes(), fixture.lane, try await fixture.records())
      _ = try await relay.round()
      #expect(try await fixture.read(.deadLetters).count == 2)
      #expect(try await fixture.read(.taskEvents).isEmpty)
    }
  }

  @Test func `an event that no topic takes goes without its data, and stops nothing behind it`() async throws {
    try await SchedulerFixture.with { fixture in
      try await insert(fixture, devices: 2, events: 3)
      try await fixture.execute(
        """
        UPDATE outbox SET value = convert_to(repeat('x', \(EventLogLimits.maximumRecordBytes + 1)), 'UTF8')
         WHERE seq = 2 AND lane = 1
        """)
      let relay = OutboxRelay(try await fixture.lanes(), fixture.lane, try await fixture.records())
      for _ in 0..<3 { _ = try? await relay.round() }
      #expect(try await fixture.value("SELECT count(*) FROM outbox") == "0")
      let events = try await fixture.read(.taskEvents).filter { text($0.key).hasSuffix("1") }
      #expect(events.suffix(2).map { text($0.value) } == [#"{"omitted":"data"}"#, "3"], "in order, the last time each")
    }
  }

  @Test func `large events are read a few at a time`() async throws {
    try await SchedulerFixture.with { fixture in
      try await insert(fixture, devices: 1, events: 5)
      try await fixture.execute("UPDATE outbox SET value = convert_to(repeat('x', 3 << 20), 'UTF8')")
      let relay = OutboxRelay(try await fixture.lanes(), fixture.lane, try await fixture.records())
      var relayed: [Int] = []
      for _ in 0..<3 { relayed += try await relay.round().counts.map(\.count) }
      #expect(relayed == [2, 2, 1])
    }
  }

  @Test func `rows of topics that only a newer version knows are left, and hold up nothing`() async throws {
    try await SchedulerFixture.with { fixture in
      try await fixture.execute(
        """
        INSERT INTO outbox (lane, device, seq, topic, headers, value)
        SELECT 1, '00000000-0000-000d-0000-0000000000f1', n, 99, '', '' FROM generate_series(1, 1000) AS n
        """)
      try await insert(fixture, devices: 1, events: 1)
      let relay = OutboxRelay(try await fixture.lanes(), fixture.lane, try await fixture.records())
      #expect(try await relay.round().counts.map(\.count) == [1])
      #expect(try await fixture.value("SELECT count(*) FROM outbox") == "1000")
    }
  }

  @Test func `two schedulers share the lanes, and a row of a transaction that commits late is not passed over`()
    async throws
  {
    try await SchedulerFixture.with { fixture in
      let partitions = Int32(TaskStore.outboxLanes)
      let first = OutboxLanes(Claims(log: "outbox", partitions: partitions, lane: fixture.claimsLane), fixture.loop)
      let second = OutboxLanes(Claims(log: "outbox", partitions: partitions, lane: fixture.claimsLane), fixture.loop)
      for _ in 0..<3 {
        _ = try await first.round()
        _ = try await second.round()
      }
      let owned = (await first.owned, await second.owned)
      #expect(owned.0.count == 8 && owned.1.count == 8)
      #expect(Set(owned.0).isDisjoint(with: owned.1))
      let records = try await fixture.records()
      let relays = [
        (first, OutboxRelay(first, fixture.lane, records)), (second, OutboxRelay(second, fixture.lane, records)),
      ]
      try await fixture.database.withLane { other in
        try await other.transaction { transaction in
          // Takes its ids first and commits last.
          try await transaction.script(
            """
            INSERT INTO outbox (lane, device, seq, topic, headers, value)
            VALUES (1, '00000000-0000-000d-0000-0000000000f1', 1, 5, '', 'late')
            """)
          try await insert(fixture, devices: 32, events: 3)
          for (lanes, relay) in relays {
            _ = try await lanes.round()
            _ = try await relay.round()
          }
        }
      }
      #expect(try await fixture.value("SELECT count(*) FROM outbox") == "1")
      for (lanes, relay) in relays {
        _ = try await lanes.round()
        _ = try await relay.round()
      }
      #expect(try await fixture.value("SELECT count(*) FROM outbox") == "0")
      #expect(try await fixture.read(.taskEvents).count == 97)
    }
  }
}
