import EventLog
import Networking
import PostgreSQL
import Testing

@testable import Kafka

/// The implementations that the conformance suite holds to the same semantics. Kafka takes part where there is a
/// broker; its own suites say loudly where there is none.
enum LogUnderTest: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case postgreSQL = "PostgreSQL"
  case kafka = "Kafka"

  static var available: [LogUnderTest] { TestKafka.isAvailable ? allCases : [.postgreSQL] }

  var testDescription: String { rawValue }

  /// Partitions of each topic.
  static let partitions: Int32 = 4

  /// A log with empty topics for one test.
  struct Fixture: Sendable {
    let log: any EventLog
    let loop: EventLoop
    /// Makes the log drop what is before an offset, as its retention would.
    let drop: @Sendable (Partition, Int64) async throws -> Void
  }

  /// Runs `body` with a log of its own.
  func with(_ body: (Fixture) async throws -> Void) async throws {
    switch self {
    case .postgreSQL:
      try await TestPostgreSQL.withLog { log, loop, database in
        let drop: @Sendable (Partition, Int64) async throws -> Void = { partition, offset in
          try await database.execute(
            """
            UPDATE log_head SET first = \(offset)
             WHERE topic = \(partition.topic.rawValue) AND part = \(partition.number)
            """)
        }
        try await body(Fixture(log: log, loop: loop, drop: drop))
      }
    case .kafka:
      try await TestKafka.withLog(partitions: Self.partitions) { log, loop, settings in
        try await body(
          Fixture(log: log, loop: loop) { try await KafkaTopics.deleteRecords($0, before: $1, settings) })
      }
    }
  }
}

extension TestPostgreSQL {
  /// A PostgreSQL log in a database of its own.
  static func withLog(
    retention: [Topic: Duration] = [:], _ body: (PostgreSQLLog, EventLoop, TestDatabase) async throws -> Void
  ) async throws {
    try await withLane(migrations: [LogSchema.migration]) { lane, database in
      let partitions = Dictionary(uniqueKeysWithValues: Topic.allCases.map { ($0, LogUnderTest.partitions) })
      try await PostgreSQLLog.migrate(partitions, on: lane)
      let log = try await PostgreSQLLog.open(database.settings, on: lane.loop, retention: retention)
      do {
        try await body(log, lane.loop, database)
      } catch {
        await log.shutdown()
        throw error
      }
      await log.shutdown()
    }
  }
}
