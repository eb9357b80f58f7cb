import Networking
import PostgreSQL
import Testing

@testable import EventLog

/// What the PostgreSQL log does beyond the conformance suite.
@Suite(.timeLimit(.minutes(2)))
struct PostgreSQLLogTests {
  private let partition = Partition(.messages, 0)

  private func records(_ range: Range<Int>, _ partition: Partition) -> [OutgoingRecord] {
    range.map {
      OutgoingRecord(partition: partition, key: [], headers: RecordHeaders(), value: Array("\($0)".utf8))
    }
  }

  private func texts(_ records: [LogRecord]) -> [String] { records.map { String(decoding: $0.value, as: UTF8.self) } }

  @Test func `a reader in one process reads what another appends`() async throws {
    try await TestPostgreSQL.withLog { log, loop, database in
      let other = try await PostgreSQLLog.open(database.settings, on: loop)
      let reader = log.reader(on: loop)
      await reader.assign([partition: 0])
      let next = Task { try await reader.next(maximumRecords: 10, maximumBytes: 1 << 20, wait: .seconds(60)) }
      _ = try await other.append(records(0..<1, partition), on: loop)
      #expect(texts(try await next.value) == ["0"])
      await reader.close()
      await other.shutdown()
    }
  }

  @Test func `old records go a table at a time, and what was dropped is told`() async throws {
    try await TestPostgreSQL.withLog(retention: [.deadLetters: .zero]) { log, loop, database in
      let partition = Partition(.deadLetters, 1)
      _ = try await log.append(records(0..<10, partition), on: loop)
      // Appends go on in the next table; then the one before is truncated.
      try await log.dropOld()
      _ = try await log.append(records(10..<20, partition), on: loop)
      try await log.dropOld()
      #expect(try await log.start(of: partition) == 10)
      #expect(try await log.end(of: partition) == 20)
      #expect(texts(try await log.read(10, from: [partition: 10], on: loop)) == (10..<20).map(String.init))
      await #expect {
        _ = try await log.read(1, from: [partition: 0], on: loop)
      } throws: { ($0 as? EventLogError)?.kind == .offsetOutOfRange(partition, oldest: 10, end: 20) }
      for round in 2..<12 {
        try await log.dropOld()
        _ = try await log.append(records(round * 10..<round * 10 + 10, partition), on: loop)
      }
      try await log.dropOld()
      #expect(try await log.end(of: partition) == 120)
      #expect(try await log.start(of: partition) >= 100)
      _ = database
    }
  }

  @Test func `messages are kept until they are folded, however old they are`() async throws {
    try await TestPostgreSQL.withLog(retention: [.messages: .zero]) { log, loop, database in
      try await database.withLane { lane in
        _ = try await log.append(records(0..<10, partition), on: loop)
        let claims = Claims(
          log: "messages/\(log.incarnation(of: .messages))", partitions: LogUnderTest.partitions, lane: lane)
        _ = try await claims.tend()
        for _ in 0..<3 { try await log.dropOld() }
        #expect(try await log.start(of: partition) == 0)
        let claim = try #require(await claims.claims[0])
        _ = try await lane.pipeline([claims.swap([(claim, to: 9)])])
        for _ in 0..<3 { try await log.dropOld() }
        #expect(try await log.start(of: partition) == 0)
        var moved = claim
        moved.nextOffset = 9
        _ = try await lane.pipeline([claims.swap([(moved, to: 10)])])
        for _ in 0..<3 { try await log.dropOld() }
        #expect(try await log.start(of: partition) == 10)
        #expect(try await log.end(of: partition) == 10)
      }
    }
  }

  @Test func `a reply topic that a crash has emptied is told, not waited for`() async throws {
    try await TestPostgreSQL.withLog { log, loop, database in
      let reply = Partition(.directives, 0)
      _ = try await log.append(records(0..<10, reply), on: loop)
      let reader = log.reader(on: loop)
      await reader.assign([reply: 5])
      // What PostgreSQL does to unlogged tables after a crash; the head, which is logged, stays.
      try await database.execute("TRUNCATE log_record_8, log_record_9, log_record_10, log_record_11")
      await #expect {
        _ = try await reader.next(maximumRecords: 1, maximumBytes: 1, wait: .seconds(5))
      } throws: { ($0 as? EventLogError)?.kind == .offsetOutOfRange(reply, oldest: 10, end: 10) }
      await reader.assign([reply: 10])
      _ = try await log.append(records(10..<11, reply), on: loop)
      #expect(texts(try await reader.records(1)) == ["10"])
      await reader.close()
    }
  }

  @Test func `a partition that does not exist is refused to appenders and readers`() async throws {
    try await TestPostgreSQL.withLog { log, loop, _ in
      let missing = Partition(.messages, 99)
      await #expect {
        _ = try await log.append(records(0..<1, missing), on: loop)
      } throws: { ($0 as? EventLogError)?.kind == .misconfigured }
      await #expect {
        _ = try await log.read(1, from: [missing: 0], on: loop)
      } throws: { ($0 as? EventLogError)?.kind == .misconfigured }
      await #expect {
        _ = try await log.end(of: missing)
      } throws: { ($0 as? EventLogError)?.kind == .misconfigured }
    }
  }

  @Test func `another count of partitions for a topic that is there is refused, not ignored`() async throws {
    try await TestPostgreSQL.withLane(migrations: [LogSchema.migration]) { lane, _ in
      try await PostgreSQLLog.migrate([.messages: 4], on: lane)
      try await PostgreSQLLog.migrate([.messages: 4], on: lane)
      let error = await #expect(throws: PostgreSQLError.self) {
        try await PostgreSQLLog.migrate([.messages: 8], on: lane)
      }
      #expect(error?.kind == .misconfigured)
      try await PostgreSQLLog.migrate([.messages: 8], isUsed: false, on: lane)
    }
  }

  @Test func `appends fail while the database is away, and the log goes on when it is back`() async throws {
    let server = TestPostgreSQL.Private("log")
    defer { server.remove() }
    let database = TestDatabase(connection: try server.start())
    try await database.withLane { lane in
      _ = try await Migrations.run([LogSchema.migration], on: lane)
      try await PostgreSQLLog.migrate(Dictionary(uniqueKeysWithValues: Topic.allCases.map { ($0, 1) }), on: lane)
      var settings = database.settings
      settings.deadline = .milliseconds(500)
      let log = try await PostgreSQLLog.open(settings, on: lane.loop)
      #expect(try await log.append(records(0..<1, partition), on: lane.loop) == [0])
      try server.kill()
      await #expect {
        _ = try await log.append(records(1..<2, partition), on: lane.loop)
      } throws: { ($0 as? EventLogError)?.kind == .unavailable }
      try server.start()
      var offsets: [Int64] = []
      while offsets.isEmpty {
        offsets = (try? await log.append(records(2..<3, partition), on: lane.loop)) ?? []
      }
      let read = try await log.read(Int(offsets[0]) + 1, from: [partition: 0], on: lane.loop)
      #expect(texts(read).first == "0" && texts(read).last == "2")
      await log.shutdown()
    }
  }
}
