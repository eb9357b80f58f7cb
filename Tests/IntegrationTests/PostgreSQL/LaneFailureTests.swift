import Networking
import PostgreSQL
import Testing

/// What a lane does when the server, or the way to it, does not.
@Suite(.timeLimit(.minutes(2)))
struct LaneFailureTests {
  private static let number = Statement("test.number", "SELECT $1::bigint")
  private static let sleep = Statement("test.sleep", "SELECT pg_sleep($1)")
  private static let terminate = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
    """

  @Test func `a server killed in mid-pipeline fails what was under way, keeps what waited, and is found again`()
    async throws
  {
    let server = TestPostgreSQL.Private("killed")
    defer { server.remove() }
    var settings = LaneSettings(connection: try server.start())
    settings.maximumBatchesInFlight = 1
    let database = TestDatabase(connection: settings.connection)
    try await database.withLane(settings) { lane in
      try await lane.waitUntilReady()
      let sleeping = Task { try await lane.query(Self.sleep, .double(60), deadline: .seconds(30), alone: true) }
      try await waitForSleep(database)
      let waiting = Task { try await lane.query(Self.number, .int64(5), deadline: .seconds(30)) }
      try server.kill()
      let error = await #expect(throws: PostgreSQLError.self) { try await sleeping.value }
      #expect(error?.kind == .connectionLost)
      #expect(error?.isOutcomeUnknown == true)
      #expect(error?.isRetryable == true)
      #expect(!lane.isReady)
      try server.start()
      #expect(try await waiting.value[0].int64(0) == 5)
      #expect(lane.isReady)
    }
  }

  @Test func `a transaction whose connection breaks fails, and the lane goes on`() async throws {
    try await TestPostgreSQL.withLane { lane, database async throws in
      let error = await #expect(throws: PostgreSQLError.self) {
        try await lane.transaction { transaction in
          _ = try await transaction.query(Self.number, .int64(1))
          try await database.execute(Self.terminate)
          _ = try await transaction.query(Self.number, .int64(2))
        }
      }
      #expect(error?.kind == .connectionLost)
      #expect(try await lane.query(Self.number, .int64(3))[0].int64(0) == 3)
    }
  }

  @Test func `a backend that was not told of its client's end is ended by the next connection, and its locks with it`()
    async throws
  {
    try await TestPostgreSQL.withDatabase { database in
      try await database.execute("CREATE TABLE held AS SELECT 1 AS n")
      let parts = database.connection.split(separator: " ").map(String.init)
      let port = try #require(parts.first { $0.hasPrefix("port=") }.flatMap { Int($0.dropFirst(5)) })
      let proxy = try FaultyProxy(to: [port])
      defer { proxy.end() }
      proxy.abandonServers()
      let proxied = parts.map { $0.hasPrefix("port=") ? "port=\(proxy.port)" : $0 }.joined(separator: " ")
      let update = Statement("test.update", "UPDATE held SET n = n + 1 RETURNING n::bigint")
      try await TestDatabase(connection: proxied).withLane { lane in
        do {
          try await lane.transaction { transaction async throws in
            _ = try await transaction.query(update)
            proxy.cut(after: 1)
            _ = try await transaction.query(Self.number, .int64(1))
          }
          Issue.record("the connection was cut")
        } catch {}
        proxy.cut(after: 0)
        let number = try await lane.query(update)[0].int64(0)
        #expect(number == 2, "the first was undone, and its lock is free")
      }
    }
  }

  @Test func `a call past its deadline fails, and what blocked the lane is cancelled`() async throws {
    try await TestPostgreSQL.withLane { lane, _ in
      try await lane.waitUntilReady()
      let error = await #expect(throws: PostgreSQLError.self) {
        try await lane.query(Self.sleep, .double(60), deadline: .milliseconds(100))
      }
      #expect(error?.kind == .deadline)
      #expect(error?.isOutcomeUnknown == true)
      #expect(error?.statement == "test.sleep")
      // Long before the statement timeout of ten seconds.
      #expect(try await lane.query(Self.number, .int64(3), deadline: .seconds(5))[0].int64(0) == 3)
    }
  }

  @Test func `the server gives up a statement by itself after the statement timeout`() async throws {
    try await TestPostgreSQL.withDatabase { database in
      var settings = database.settings
      settings.statementTimeout = .milliseconds(50)
      try await database.withLane(settings) { lane in
        let error = await #expect(throws: PostgreSQLError.self) { try await lane.query(Self.sleep, .double(60)) }
        #expect(error?.sqlState == "57014")
        #expect(error?.isRetryable == true)
      }
    }
  }

  @Test func `a full queue refuses, without harm to what is in it`() async throws {
    try await TestPostgreSQL.withDatabase { database in
      var settings = database.settings
      settings.maximumWaiting = 10
      settings.maximumBatchesInFlight = 1
      try await database.withLane(settings) { lane in
        try await lane.waitUntilReady()
        let outcomes = await withTaskGroup(of: PostgreSQLError.Kind?.self) { group in
          group.addTask { await failure(of: Call(Self.sleep, .double(0.3)), on: lane) }
          for value in 0..<50 { group.addTask { await failure(of: Call(Self.number, .int64(Int64(value))), on: lane) } }
          return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .queueFull } >= 30)
        #expect(outcomes.count { $0 == nil } >= 10)
        #expect(outcomes.allSatisfy { $0 == nil || $0 == .queueFull })
      }
    }
  }

  @Test func `without a server calls fail at their deadlines with the reason, which holds no password`() async throws {
    let database = TestDatabase(connection: "host=127.0.0.1 port=1 user=nobody password=s3cret dbname=none")
    try await database.withLane { lane in
      let error = await #expect(throws: PostgreSQLError.self) {
        try await lane.query(Self.number, .int64(1), deadline: .milliseconds(300))
      }
      #expect(error?.kind == .deadline)
      #expect(error?.message.contains("refused") == true)
      #expect(error.map { "\($0)".contains("s3cret") } == false)
      #expect(!lane.isReady)
    }
  }

  @Test func `a connection string that libpq does not know is refused at once, without being quoted`() async throws {
    let loop = try EventLoop(name: "refused")
    let error = #expect(throws: PostgreSQLError.self) {
      try Lane(on: loop, LaneSettings(connection: "password=s3cret nonsense"))
    }
    #expect(error?.kind == .misconfigured)
    #expect(error.map { "\($0)".contains("s3cret") || "\($0)".contains("nonsense") } == false)
    await loop.shutdown()
  }

  @Test func `a closed lane fails what waits and what comes`() async throws {
    try await TestPostgreSQL.withLane { lane, database in
      let sleeping = Task { try await lane.query(Self.sleep, .double(60), deadline: .seconds(60)) }
      try await waitForSleep(database)
      await lane.close()
      let error = await #expect(throws: PostgreSQLError.self) { try await sleeping.value }
      #expect(error?.kind == .closed)
      let late = await #expect(throws: PostgreSQLError.self) { try await lane.query(Self.number, .int64(1)) }
      #expect(late?.kind == .closed)
    }
  }

  @Test func `a cancelled caller stops waiting; the lane goes on`() async throws {
    try await TestPostgreSQL.withLane { lane, database in
      try await lane.waitUntilReady()
      let sleeping = Task { try await lane.query(Self.sleep, .double(2)) }
      try await waitForSleep(database)
      sleeping.cancel()
      let error = await #expect(throws: PostgreSQLError.self) { try await sleeping.value }
      #expect(error?.kind == .cancelled)
      #expect(try await lane.query(Self.number, .int64(3))[0].int64(0) == 3)
    }
  }

  private func failure(of call: Call, on lane: Lane) async -> PostgreSQLError.Kind? {
    do throws(PostgreSQLError) {
      _ = try await lane.pipeline([call])
      return nil
    } catch { return error.kind }
  }

  /// Returns once some session of the server is in `pg_sleep`.
  private func waitForSleep(_ database: TestDatabase) async throws {
    let asleep = Statement(
      "test.asleep",
      "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")
    try await database.withLane { lane in
      while try await lane.query(asleep).isEmpty {}
    }
  }
}
