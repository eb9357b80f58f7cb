import Glibc
import Networking
import PostgreSQL
import Testing

/// On a server of their own, which they have standbys for. A standby is played by pg_receivewal under another name: to
/// the server it is the same stream.
@Suite("Commits must survive a failover (promise P2)", .serialized, .timeLimit(.minutes(2)))
struct CommitDurabilityTests {
  @Test("a standby must be synchronous, unless the operator allows another by name")
  func standbys() async throws {
    let server = TestPostgreSQL.Private("standby")
    defer { server.remove() }
    let database = TestDatabase(connection: try server.start())
    try await check(database)

    let archiver = try Stream(to: database, name: "pg_receivewal")
    try await archiver.waitUntilSeen()
    try await check(database)

    let standby = try Stream(to: database, name: "second")
    try await standby.waitUntilSeen()
    let refusal = await #expect(throws: PostgreSQLError.self) { try await check(database) }
    #expect(refusal?.kind == .misconfigured)
    #expect(refusal?.message.contains("set synchronous_standby_names") == true, "\(String(describing: refusal))")
    try await check(database, allows: true)
    try await TestCluster.with(.postgresql, database: database, roles: []) { cluster in
      let server = try await cluster.start("northbound", awaited: false)
      var status: Int32 = 0
      try await cluster.eventually("it ends") { waitpid(server.pid, &status, WNOHANG) == server.pid }
      await cluster.forget(server)
      #expect(status >> 8 == 1)
      #expect(await cluster.logged("northbound", "set synchronous_standby_names") > 0)
    }

    try await database.execute("ALTER SYSTEM SET synchronous_standby_names = 'second'")
    try await database.execute("SELECT pg_reload_conf()")
    try await database.withLane { lane in
      let names = Statement("test.names", "SELECT current_setting('synchronous_standby_names')")
      while try await lane.query(names)[0].text(0).isEmpty { try await lane.loop.sleep(for: .milliseconds(20)) }
    }
    try await check(database)

    for (setting, isRefused) in [("remote_apply", false), ("remote_write", true), ("local", true)] {
      var settings = database.settings
      settings.session["synchronous_commit"] = setting
      let error = await error(database, settings)
      #expect((error != nil) == isRefused, "\(setting): \(String(describing: error))")
    }
  }

  @Test("commits that are not written through are refused with or without a standby")
  func off() async throws {
    try await TestPostgreSQL.withDatabase { database in
      var settings = database.settings
      settings.session["synchronous_commit"] = "off"
      let error = await error(database, settings, allows: true)
      #expect(error?.message.contains("synchronous_commit is off") == true, "\(String(describing: error))")
    }
  }

  private func check(_ database: TestDatabase, _ settings: LaneSettings? = nil, allows: Bool = false) async throws {
    try await database.withLane(settings) { lane in
      try await CommitDurability.check(on: lane, allowsAsynchronousStandby: allows)
    }
  }

  private func error(_ database: TestDatabase, _ settings: LaneSettings, allows: Bool = false) async -> PostgreSQLError?
  {
    do {
      try await check(database, settings, allows: allows)
      return nil
    } catch {
      return error as? PostgreSQLError
    }
  }
}

/// A stream of a server's log, ended with its owner.
private final class Stream {
  private let database: TestDatabase
  private let name: String
  private let folder: String
  private let pid: pid_t

  init(to database: TestDatabase, name: String) throws {
    self.database = database
    self.name = name
    folder = try run("mktemp -d")
    let program = try run("ls /usr/lib/postgresql/*/bin/pg_receivewal | sort -V | tail -n 1")
    let connection = "\(database.connection) application_name=\(name)"
    let command = "'\(program)' -D '\(folder)' -d '\(connection)' >/dev/null 2>&1 & echo $!"
    guard let pid = pid_t(try run(command)) else { throw CommandFailed(command: program) }
    self.pid = pid
  }

  func waitUntilSeen() async throws {
    let count = Statement(
      "test.streams", "SELECT count(*) FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'")
    try await database.withLane { lane in
      while try await lane.query(count, .text(name))[0].int64(0) == 0 {
        try await lane.loop.sleep(for: .milliseconds(20))
      }
    }
  }

  deinit {
    kill(pid, SIGTERM)
    _ = try? run("rm -rf '\(folder)'")
  }
}
