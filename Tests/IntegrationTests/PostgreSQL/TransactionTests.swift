import Networking
import PostgreSQL
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TransactionTests {
  private static let item = "CREATE TABLE item (n integer PRIMARY KEY)"
  private static let insert = Statement("test.insert", "INSERT INTO item VALUES ($1)")
  private static let count = Statement("test.count", "SELECT count(*) FROM item")
  struct Stop: Error {}

  private func count(_ lane: Lane) async throws -> Int64 { try await lane.query(Self.count)[0].int64(0) }

  @Test func `what the body did is committed at its end`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script(Self.item)
      let seen = try await lane.transaction { transaction in
        _ = try await transaction.query(Self.insert, .int32(1))
        return try await transaction.query(Self.count)[0].int64(0)
      }
      #expect(seen == 1)
      #expect(try await count(lane) == 1)
    }
  }

  @Test func `COMMIT can travel with the last statements`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script(Self.item)
      try await lane.transaction { transaction in
        let rows = try await transaction.pipeline([Call(Self.insert, .int32(1)), Call(Self.count)], commit: true)
        #expect(rows.count == 2)
        #expect(try rows[1][0].int64(0) == 1)
        let error = await #expect(throws: PostgreSQLError.self) { try await transaction.query(Self.count) }
        #expect(error?.kind == .transactionOver)
      }
      #expect(try await count(lane) == 1)
    }
  }

  @Test func `an error of the body rolls back, and the lane serves others afterwards`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script(Self.item)
      await #expect(throws: Stop.self) {
        try await lane.transaction { transaction in
          _ = try await transaction.query(Self.insert, .int32(1))
          throw Stop()
        }
      }
      #expect(try await count(lane) == 0)
    }
  }

  @Test func `a failed statement fails the transaction even if the body goes on`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script(Self.item)
      let error = await #expect(throws: PostgreSQLError.self) {
        try await lane.transaction { transaction in
          _ = try await transaction.pipeline([Call(Self.insert, .int32(1))])
          _ = try? await transaction.query(Self.insert, .int32(1))
        }
      }
      #expect(error?.sqlState == "23505")
      #expect(try await count(lane) == 0)
    }
  }

  @Test func `a statement that fails along with COMMIT commits nothing`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script(Self.item)
      await #expect(throws: PostgreSQLError.self) {
        try await lane.transaction { transaction in
          _ = try await transaction.pipeline(
            [Call(Self.insert, .int32(1)), Call(Self.insert, .int32(1))], commit: true)
        }
      }
      #expect(try await count(lane) == 0)
    }
  }

  @Test func `others wait until the transaction ends, and see all of it or nothing`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script(Self.item)
      let seen = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for round in Int32(0)..<20 {
          group.addTask {
            try await lane.transaction { transaction in
              _ = try await transaction.query(Self.insert, .int32(2 * round))
              _ = try await transaction.query(Self.insert, .int32(2 * round + 1))
            }
            return []
          }
          group.addTask { [try await lane.query(Self.count)[0].int64(0)] }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(seen.count == 20)
      #expect(seen.allSatisfy { $0 % 2 == 0 })
      #expect(try await count(lane) == 40)
    }
  }

  @Test func `a transaction past its deadline is rolled back while its body still waits`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script(Self.item)
      let error = await #expect(throws: PostgreSQLError.self) {
        try await lane.transaction(deadline: .milliseconds(200)) { transaction in
          _ = try await transaction.query(Self.insert, .int32(1))
          // Not on the transaction: the lane is free again by itself.
          while try await self.count(lane) != 0 {}
          _ = try await transaction.query(Self.insert, .int32(2))
        }
      }
      #expect(error?.kind == .deadline)
      #expect(try await count(lane) == 0)
    }
  }

  @Test func `a cancelled task's transaction is rolled back`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script(Self.item)
      let task = Task {
        try await lane.transaction { transaction in
          _ = try await transaction.query(Self.insert, .int32(1))
          withUnsafeCurrentTask { $0?.cancel() }
          _ = try await transaction.query(Self.insert, .int32(2))
        }
      }
      let error = await #expect(throws: PostgreSQLError.self) { try await task.value }
      #expect(error?.kind == .cancelled)
      #expect(try await count(lane) == 0)
    }
  }
}
