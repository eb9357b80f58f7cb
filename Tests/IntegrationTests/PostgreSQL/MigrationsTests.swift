import Networking
import PostgreSQL
import Testing

@Suite(.timeLimit(.minutes(1)))
struct MigrationsTests {
  private static let first = Migration(
    number: 1, name: "first", sql: "CREATE TABLE a (n integer); INSERT INTO a VALUES (1); INSERT INTO a VALUES (2);")
  private static let second = Migration(number: 2, name: "second", sql: "ALTER TABLE a ADD COLUMN t text")

  @Test func `each is applied once, in order`() async throws {
    try await TestPostgreSQL.withLane { lane, _ async throws in
      #expect(try await Migrations.applied(on: lane) == [])
      #expect(try await Migrations.run([Self.first], on: lane) == [1])
      #expect(try await Migrations.run([Self.first, Self.second], on: lane) == [2])
      #expect(try await Migrations.run([Self.first, Self.second], on: lane) == [])
      #expect(try await Migrations.applied(on: lane) == [1, 2])
      #expect(try await lane.query(Statement("test.count", "SELECT count(t), count(*) FROM a"))[0].int64(1) == 2)
    }
  }

  @Test func `several processes at once apply each once`() async throws {
    try await TestPostgreSQL.withDatabase { database in
      let applied = try await withThrowingTaskGroup(of: [Int32].self) { group in
        for _ in 0..<5 {
          group.addTask {
            try await database.withLane { try await Migrations.run([Self.first, Self.second], on: $0) }
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(applied.sorted() == [1, 2])
    }
  }

  @Test func `one that fails leaves nothing behind and can be corrected`() async throws {
    try await TestPostgreSQL.withLane { lane, _ async throws in
      let bad = Migration(number: 1, name: "bad", sql: "CREATE TABLE b (); SELECT 1 / 0;")
      let error = await #expect(throws: PostgreSQLError.self) { try await Migrations.run([bad], on: lane) }
      #expect(error?.sqlState == "22012")
      #expect(try await Migrations.applied(on: lane) == [])
      let good = Migration(number: 1, name: "good", sql: "CREATE TABLE b ()")
      #expect(try await Migrations.run([good], on: lane) == [1])
    }
  }

  @Test func `one that was changed after it was applied is refused`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await Migrations.run([Self.first], on: lane)
      let changed = Migration(number: 1, name: "first", sql: "CREATE TABLE c ()")
      let error = await #expect(throws: PostgreSQLError.self) { try await Migrations.run([changed], on: lane) }
      #expect(error?.kind == .misconfigured)
    }
  }

  @Test func `a database of a newer program is refused`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await Migrations.run([Self.first, Self.second], on: lane)
      let error = await #expect(throws: PostgreSQLError.self) { try await Migrations.run([Self.first], on: lane) }
      #expect(error?.kind == .misconfigured)
    }
  }

  @Test func `a table in use is waited for in short turns, so that others reach it in between`() async throws {
    try await TestPostgreSQL.withLane { lane, database in
      try await Migrations.run([Self.first], on: lane)
      let count = Statement("test.count", "SELECT count(*) FROM a")
      try await database.withLane { user in
        let applied = try await user.transaction(deadline: .seconds(30)) { transaction in
          _ = try await transaction.query(count)
          // Behind the migration's lock request: served when that has given up for a while, though we go on.
          async let migrated = database.withLane { try await Migrations.run([Self.first, Self.second], on: $0) }
          let waiting = Statement("test.waiting", "SELECT count(*) FROM pg_locks WHERE NOT granted")
          while try await lane.query(waiting)[0].int64(0) == 0 { try await lane.loop.sleep(for: .milliseconds(10)) }
          _ = try await lane.query(count, deadline: .seconds(20))
          _ = try await transaction.pipeline([Call(count)], commit: true)
          return try await migrated
        }
        #expect(applied == [2])
      }
    }
  }
}
