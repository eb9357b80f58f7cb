import Glibc
import Networking
import PostgreSQL

/// The PostgreSQL server of a test run: the one that `CARILLON_TEST_POSTGRESQL` names (a libpq connection string of a
/// user who may create databases), else a private one by `scripts/postgresql start`. Each test has databases of its
/// own.
struct TestPostgreSQL: Sendable {
  /// A database of its own for `body`, dropped at its end.
  ///
  /// - Parameter migrations: what the database starts with; a template with them is made once a server and copied.
  static func withDatabase<Value>(
    migrations: [Migration] = [], _ body: (TestDatabase) async throws -> Value
  ) async throws -> Value {
    try await shared().withDatabase(migrations: migrations, body)
  }

  /// The same with a loop and a lane to it.
  static func withLane<Value>(
    migrations: [Migration] = [], _ body: (Lane, TestDatabase) async throws -> Value
  ) async throws -> Value {
    try await withDatabase(migrations: migrations) { database in
      try await database.withLane { lane in try await body(lane, database) }
    }
  }

  /// A server for one test that does bad things to it: start it, kill it.
  struct Private {
    let name: String
    /// What its processes have in their environment besides.
    private let environment: String
    private var arguments: String { "--dir '\(TestPostgreSQL.root)/.local/pg-\(name)'" }

    init(_ name: String, environment: String = "") {
      self.name = "\(name)-\(getpid())"
      self.environment = environment
    }

    /// Starts it, or what is left of it after ``kill()``; returns its connection string.
    @discardableResult
    func start() throws -> String {
      let script = "'\(TestPostgreSQL.root)/scripts/postgresql'"
      return try run("env \(environment) \(script) start \(arguments) --set shared_buffers=16MB")
    }

    /// SIGSTOP and the like to all of its processes.
    func signal(_ name: String) throws {
      let file = "'\(TestPostgreSQL.root)/.local/pg-\(self.name)/data/postmaster.pid'"
      // A backend may have ended meanwhile.
      try run("pid=$(head -n 1 \(file)); kill -\(name) $pid $(ps -o pid= --ppid $pid) 2>/dev/null; true")
    }

    func kill() throws { _ = try run("'\(TestPostgreSQL.root)/scripts/postgresql' kill \(arguments)") }
    func remove() { _ = try? run("'\(TestPostgreSQL.root)/scripts/postgresql' remove \(arguments)") }
  }

  // MARK: - Inside

  let connection: String

  private static let starting = Task<TestPostgreSQL, any Error> {
    if let given = getenv("CARILLON_TEST_POSTGRESQL") { return TestPostgreSQL(connection: String(cString: given)) }
    return TestPostgreSQL(connection: try run("'\(root)/scripts/postgresql' start"))
  }

  private static func shared() async throws -> TestPostgreSQL { try await starting.value }

  /// The repository's root.
  static let root: String = {
    var path = #filePath.split(separator: "/")
    path.removeLast(4)
    return "/" + path.joined(separator: "/")
  }()

  private func withDatabase<Value>(
    migrations: [Migration], _ body: (TestDatabase) async throws -> Value
  ) async throws -> Value {
    let server = TestDatabase(connection: connection)
    let name = "test_\(getpid())_\(UInt32.random(in: 0 ... .max))"
    let template = migrations.isEmpty ? "template0" : try await self.template(migrations)
    try await server.execute("CREATE DATABASE \(name) TEMPLATE \(template)")
    let database = TestDatabase(connection: "\(connection) dbname=\(name)")
    do {
      let value = try await body(database)
      try await server.execute("DROP DATABASE \(name) WITH (FORCE)")
      return value
    } catch {
      try? await server.execute("DROP DATABASE \(name) WITH (FORCE)")
      throw error
    }
  }

  /// The name of a database that has `migrations` applied. Made under another name first, so that it is whole or
  /// absent.
  private func template(_ migrations: [Migration]) async throws -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in migrations.flatMap({ $0.sql.utf8 }) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let name = "template_\(hash)"
    let server = TestDatabase(connection: connection)
    let exists = Statement("test.exists", "SELECT 1 FROM pg_database WHERE datname = $1")
    let found = try await server.withLane { lane in try await lane.query(exists, .text(name)) }
    if !found.isEmpty { return name }
    let draft = "draft_\(getpid())_\(UInt32.random(in: 0 ... .max))"
    try await server.execute("CREATE DATABASE \(draft) TEMPLATE template0")
    _ = try await TestDatabase(connection: "\(connection) dbname=\(draft)").withLane { lane in
      try await Migrations.run(migrations, on: lane)
    }
    do {
      try await server.execute("ALTER DATABASE \(draft) RENAME TO \(name)")
    } catch let error as PostgreSQLError where ["42P04", "23505"].contains(error.sqlState) {
      // Another test was faster.
      try await server.execute("DROP DATABASE \(draft) WITH (FORCE)")
    }
    return name
  }
}

/// One database of a test.
struct TestDatabase: Sendable {
  let connection: String

  var settings: LaneSettings { LaneSettings(connection: connection, applicationName: "carillon tests") }

  /// A lane on a loop of its own for `body`.
  func withLane<Value>(_ settings: LaneSettings? = nil, _ body: (Lane) async throws -> Value) async throws -> Value {
    let loop = try EventLoop(name: "test lane")
    let lane = try Lane(on: loop, settings ?? self.settings)
    do {
      let value = try await body(lane)
      await lane.close()
      await loop.shutdown()
      return value
    } catch {
      await lane.close()
      await loop.shutdown()
      throw error
    }
  }

  /// The number that a statement tells.
  func number(_ sql: String) async throws -> Int {
    try await withLane { lane in
      Int(try await lane.query(Statement("test.count", "SELECT (\(sql))::bigint"))[0].int64(0))
    }
  }

  /// How many backends wait for a lock of that one.
  func waitingFor(_ pid: Int32) async throws -> Int {
    try await number("SELECT count(*) FROM pg_stat_activity WHERE \(pid) = ANY (pg_blocking_pids(pid))")
  }

  /// Runs one statement on a connection of its own.
  func execute(_ sql: String) async throws {
    _ = try await withLane { lane in
      try await lane.query(Statement("test.execute", sql), deadline: .seconds(30), alone: true)
    }
  }
}

/// A command that a test could not run, and the end of what it printed.
struct CommandFailed: Error, CustomStringConvertible {
  let command: String
  var said = ""
  var description: String { "failed: \(command)\(said.isEmpty ? "" : "\n\(said)")" }
}

/// Runs a shell command and returns the first line that it prints.
@discardableResult
func run(_ command: String) throws -> String {
  guard let pipe = popen(command, "r") else { throw CommandFailed(command: command) }
  var line = [CChar](repeating: 0, count: 4096)
  var said: [String] = []
  var first: String?
  while fgets(&line, Int32(line.count), pipe) != nil {
    let text = String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    first = first ?? text
    said = said.suffix(19) + [text]
  }
  guard pclose(pipe) == 0 else { throw CommandFailed(command: command, said: said.joined(separator: "\n")) }
  return first ?? ""
}
