import Cryptography
import Networking
import PostgreSQL
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct LaneTests {
  private static let number = Statement("test.number", "SELECT $1::bigint")
  private static let sleep = Statement("test.sleep", "SELECT pg_sleep($1)")
  private static let divide = Statement("test.divide", "SELECT 1 / $1::integer")

  @Test func `every type goes to the server and comes back, and so does NULL`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      let id = UUID128(high: 0x0102_0304_0506_0708, low: 0xfffe_fdfc_fbfa_f9f8)
      let row = try await lane.query(
        Statement("test.types", "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text, $4 IS NULL"),
        .bool(true), .int16(-2), .int32(-3), .int64(.min), .double(1.5), .text("héllo"), .bytes([0, 255]), .uuid(id),
        .timestamp(1_700_000_000_123_456), .json(Array(#"{"a": 1}"#.utf8)), .null)[0]
      #expect(try row.bool(0))
      #expect(try row.int16(1) == -2)
      #expect(try row.int32(2) == -3)
      #expect(try row.int64(2) == -3)
      #expect(try row.int64(3) == .min)
      #expect(try row.double(4) == 1.5)
      #expect(try row.text(5) == "héllo")
      #expect(try row.bytes(6) == [0, 255])
      #expect(try row.withBytes(6) { $0.count } == 2)
      #expect(try row.uuid(7) == id)
      #expect(try row.timestamp(8) == 1_700_000_000_123_456)
      #expect(try row.json(9) == Array(#"{"a": 1}"#.utf8))
      #expect(row.isNull(10))
      #expect(try row.optionalText(10) == nil)
      #expect(throws: PostgreSQLError.self) { try row.text(10) }
      #expect(throws: PostgreSQLError.self) { try row.int64(5) }
      #expect(throws: PostgreSQLError.self) { try row.int64(99) }
      #expect(try row.bool(11) == false)
      let text = try await lane.query(
        Statement("test.text", "SELECT to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"),
        .timestamp(1_700_000_000_123_456))
      #expect(try text[0].text(0) == "2023-11-14 22:13:20.123456")
    }
  }

  @Test func `arrays feed unnest, also empty ones and ones with NULLs`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      var texts = PostgreSQLArray(.text)
      texts.append("a")
      texts.appendNull()
      texts.append("")
      let ids = (0..<3).map { UUID128(high: 1, low: $0) }
      let unnest = Statement("test.unnest", "SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[]) AS t (n, t, u)")
      let rows = try await lane.query(unnest, .int64s([1, 2, 3]), .array(texts), .uuids(ids))
      #expect(try rows.map { try $0.int64(0) } == [1, 2, 3])
      #expect(try rows.map { try $0.optionalText(1) } == ["a", nil, ""])
      #expect(try rows.map { try $0.uuid(2) } == ids)
      let none = try await lane.query(
        unnest, .int64s([]), .array(PostgreSQLArray(.text)), .array(PostgreSQLArray(.uuid)))
      #expect(none.isEmpty)
      let back = try await lane.query(
        Statement("test.arrays", "SELECT $1::bytea[], $2::bigint[], $3::uuid[], $4::text[]"),
        .bytesArray([[1], [], [2, 3]]), .int64s([]), .uuids(ids), .texts(["x", "y"]))[0]
      #expect(try back.bytesArray(0) == [[1], [], [2, 3]])
      #expect(try back.int64s(1) == [])
      #expect(try back.uuids(2) == ids)
      #expect(try back.texts(3) == ["x", "y"])
    }
  }

  @Test func `a statement takes NULL for any type, and another type by being prepared again`() async throws {
    try await TestPostgreSQL.withLane { lane, _ async throws in
      let echo = Statement("test.echo", "SELECT $1::bigint + 1")
      #expect(try await lane.query(echo, .null)[0].isNull(0))
      #expect(try await lane.query(echo, .int64(1))[0].int64(0) == 2)
      #expect(try await lane.query(echo, .int32(2))[0].int64(0) == 3)
      #expect(try await lane.query(echo, .null)[0].isNull(0))
    }
  }

  @Test func `many callers share round trips and each gets its own answer`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      let answers = try await withThrowingTaskGroup(of: (Int64, Int64).self) { group in
        for value in 0..<1000 {
          group.addTask { (Int64(value), try await lane.query(Self.number, .int64(Int64(value)))[0].int64(0)) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.count == 1000)
      #expect(answers.allSatisfy { $0.0 == $0.1 })
    }
  }

  @Test func `one caller's error is told to that caller only, and undoes nothing of its neighbours`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script("CREATE TABLE item (n integer PRIMARY KEY)")
      let insert = Statement("test.insert", "INSERT INTO item VALUES ($1)")
      let outcomes = await withTaskGroup(of: (Int32, PostgreSQLError?).self) { group in
        for value in Int32(0)..<40 {
          group.addTask {
            do throws(PostgreSQLError) {
              // 7, 17, ... come twice.
              _ = try await lane.query(insert, .int32(value % 10 == 7 ? 7 : value))
              return (value, nil)
            } catch { return (value, error) }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let failed = outcomes.compactMap { $0.1 }
      #expect(failed.count == 3)
      for error in failed {
        #expect(error.kind == .server)
        #expect(error.sqlState == "23505")
        #expect(error.table == "item")
        #expect(error.constraint == "item_pkey")
        #expect(error.statement == "test.insert")
        #expect(error.remedy == .bisect)
        #expect(!"\(error)".contains("(n)=(7)"), "no values in errors")
      }
      #expect(try await lane.query(Statement("test.count", "SELECT count(*) FROM item"))[0].int64(0) == 37)
    }
  }

  @Test func `an error in the middle of a pipeline undoes all of it and names the statement`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script("CREATE TABLE item (n integer)")
      let insert = Statement("test.insert", "INSERT INTO item VALUES ($1)")
      let error = await #expect(throws: PostgreSQLError.self) {
        try await lane.pipeline([Call(insert, .int32(1)), Call(Self.divide, .int32(0)), Call(insert, .int32(2))])
      }
      #expect(error?.sqlState == "22012")
      #expect(error?.statement == "test.divide")
      let rows = try await lane.pipeline([
        Call(insert, .int32(3)), Call(Statement("test.all", "SELECT n FROM item ORDER BY n")),
      ])
      #expect(rows[0].affected == 1)
      #expect(try rows[1].map { try $0.int32(0) } == [3])
    }
  }

  @Test func `a deferred constraint that fails at the commit fails the call`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.script(
        "CREATE TABLE item (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO item VALUES (1)")
      let insert = Statement("test.insert", "INSERT INTO item VALUES ($1)")
      let bad = Task { try await lane.query(insert, .int32(1)) }
      let good = Task { try await lane.query(insert, .int32(2)) }
      _ = try await good.value
      let error = await #expect(throws: PostgreSQLError.self) { try await bad.value }
      #expect(error?.sqlState == "23505")
      #expect(try await lane.query(Statement("test.count", "SELECT count(*) FROM item"))[0].int64(0) == 2)
    }
  }

  @Test func `a statement that does not fit the schema can be used again once it does`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      let count = Statement("test.late", "SELECT count(*) FROM late")
      let error = await #expect(throws: PostgreSQLError.self) { try await lane.query(count) }
      #expect(error?.remedy == .stop)
      try await lane.script("CREATE TABLE late ()")
      #expect(try await lane.query(count)[0].int64(0) == 0)
    }
  }

  @Test func `a callback without a task is called once, on the loop`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      let loop = lane.loop
      let value = await withCheckedContinuation { (continuation: CheckedContinuation<Int64, Never>) in
        loop.post {
          lane.submit([Call(Self.number, .int64(42))]) { result in
            #expect(loop.isCurrent)
            continuation.resume(returning: (try? result.get()[0][0].int64(0)) ?? 0)
          }
        }
      }
      #expect(value == 42)
    }
  }

  @Test func `large values pass both ways`() async throws {
    try await TestPostgreSQL.withLane { lane, _ async throws in
      let value = [UInt8](repeating: 7, count: 12 << 20)
      let echo = Statement("test.large", "SELECT $1::bytea")
      async let first = lane.query(echo, .bytes(value))
      async let second = lane.query(echo, .bytes(value))
      #expect(try await first[0].bytes(0) == value)
      #expect(try await second[0].bytes(0).count == value.count)
    }
  }

  @Test func `notifications reach who listens, also after a reconnect`() async throws {
    try await TestPostgreSQL.withLane { lane, database in
      let heard = AsyncStream.makeStream(of: String.self)
      lane.loop.post { lane.listen("bell") { heard.continuation.yield($0) } }
      try await lane.waitUntilReady()
      var payloads = heard.stream.makeAsyncIterator()
      try await database.execute("SELECT pg_notify('bell', 'one')")
      #expect(await payloads.next() == "one")
      try await database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
          + "WHERE datname = current_database() AND pid <> pg_backend_pid()"
      )
      while !lane.isReady { try await lane.waitUntilReady() }
      // The lane may not have noticed yet; then this says so, and the next call waits for the new connection.
      while (try? await lane.waitUntilReady()) == nil {}
      try await database.execute("SELECT pg_notify('bell', 'two')")
      #expect(await payloads.next() == "two")
    }
  }
}
