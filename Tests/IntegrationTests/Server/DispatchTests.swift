import CWMP
import Glibc
import HTTP
import PostgreSQL
import Testing

@Suite("A dispatch that was committed and not told", .serialized, .timeLimit(.minutes(5)))
struct DispatchTests {
  @Test(
    "a worker killed between PostgreSQL's commit and the directive: the repeated ready gets the same RPC, once (P3)",
    arguments: TestCluster.Log.available)
  func killedInBetween(_ log: TestCluster.Log) async throws {
    let broker = log == .kafka ? TestKafka.Private("dispatch") : nil
    defer { broker?.remove() }
    let brokers = try broker?.start() ?? []
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(
        log, database: database, brokers: brokers, roles: ["worker", "northbound", "gateway"],
        gateway: "limits: {directive_deadline: 18s, answer_deadline: 19s}"
      ) { cluster in
        let cpe = TestCPE(cluster, serial: "waiting")
        try await cpe.provision()
        _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: #"{"method":"Reboot"}"#)
        let folded = "SELECT count(*) FROM device_contact WHERE NOT posted"
        try await cpe.inform()
        try await cluster.eventually("the Inform is folded") { try await database.number(folded) == 1 }

        let (locked, isLocked) = AsyncStream<Void>.makeStream()
        async let killed: Void = killInBetween(cluster, database, broker, isLocked)
        for await _ in locked {}
        let asked = try await cpe.empty()
        try await killed

        #expect(asked.request?.method == .reboot)
        #expect(try await database.number("SELECT attempt FROM task") == 1, "it is the attempt that was committed")
        #expect(try await cpe.answer(.reboot, asked.id).status == .noContent)
        #expect(try await cpe.inform([EventStruct(.boot)]).status == .ok)
        #expect(try await cpe.work().isEmpty)
        try await cluster.eventually("its boot settles the task") {
          try await cluster.api("/devices/\(cpe.identity)/tasks?method=Reboot").1.contains("succeeded")
        }
      }
    }
  }

  @Test("an RPC whose dispatch cannot be committed does not leave; once it can, it leaves once (P3)")
  func commitFails() async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(.postgresql, database: database, roles: ["worker", "northbound", "gateway"]) {
        cluster in
        let cpe = TestCPE(cluster, serial: "unsent")
        try await cpe.provision()
        _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: #"{"method":"Reboot"}"#)
        // Deferred: what the batch writes is taken, and its commit is refused, as one that serialization fails.
        try await database.refuseCommits(of: "UPDATE ON task")
        try await cpe.inform()
        #expect(try await cpe.empty().status == .noContent, "nothing came in the time that a directive has")
        #expect(try await database.number("SELECT count(*) FROM task WHERE state = 1 AND attempt = 0") == 1)
        #expect(await cluster.logged("worker", "40001") > 0)
        try await database.acceptCommits()
        try await cluster.eventually("the next session gets it") {
          try await cpe.inform()
          return try await cpe.work().map(\.method) == [.reboot]
        }
        try await cpe.inform([EventStruct(.boot)])
        #expect(try await cpe.work().isEmpty)
        try await cluster.eventually("its boot settles the task") {
          try await cluster.api("/devices/\(cpe.identity)/tasks?method=Reboot").1.contains("succeeded")
        }
      }
    }
  }

  @Test(
    "what a CPE answered while PostgreSQL takes no commits is not lost: its task succeeds when they are taken again")
  func resultCommitFails() async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(.postgresql, database: database, roles: ["worker", "northbound", "gateway"]) {
        cluster in
        let cpe = TestCPE(cluster, serial: "answering")
        try await cpe.provision()
        let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#
        let task = try await cluster.ask(cpe.identity, body)
        try await cpe.inform()
        let asked = try await cpe.empty()
        let request = try #require(asked.request)
        try await database.refuseCommits(of: "INSERT ON task_history")
        #expect(
          try await cpe.answer(TestCPE.response(to: request), asked.id).status == .noContent,
          "the log has it: the session may end")
        #expect(try await cluster.api("/tasks/\(task)").1.contains(#""state":"dispatched""#), "nothing pretends")
        try await database.acceptCommits()
        try await cluster.eventually("the answer counts") {
          try await cluster.api("/tasks/\(task)").1.contains(#""state":"succeeded""#)
        }
        #expect(try await cluster.api("/tasks/\(task)").1.contains("value of Device.DeviceInfo.UpTime"))
      }
    }
  }

  @Test("an answer that PostgreSQL will never take goes to the dead letters, and its task fails with the reason")
  func resultNeverTaken() async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(
        .postgresql, database: database, roles: ["worker", "scheduler", "northbound", "gateway"]
      ) { cluster in
        let cpe = TestCPE(cluster, serial: "refused")
        try await cpe.provision()
        let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#
        let task = try await cluster.ask(cpe.identity, body)
        try await cpe.inform()
        let asked = try await cpe.empty()
        let request = try #require(asked.request)
        try await database.refuseCommits(of: "INSERT ON task_history", when: "NEW.state = 10", as: "23514")
        #expect(try await cpe.answer(TestCPE.response(to: request), asked.id).status == .noContent)
        try await cluster.eventually("the task has failed, and says why") {
          let text = try await cluster.api("/tasks/\(task)").1
          return text.contains(#""state":"failed""#) && text.contains("could not be read")
        }
        try await cluster.eventually("the record is there for people to see") {
          try await cluster.api("/log/dead-letters?part=0").1.contains("23514")
        }
        try await cpe.inform()
        #expect(try await cpe.work().isEmpty, "the device is served on")
      }
    }
  }

  /// Holds the `ready`'s batch until the log is away, lets it commit, and kills the worker before the log is back.
  private func killInBetween(
    _ cluster: TestCluster, _ database: TestDatabase, _ broker: TestKafka.Private?,
    _ isLocked: AsyncStream<Void>.Continuation
  ) async throws {
    defer { isLocked.finish() }
    try await database.withLane { first in
      try await database.withLane { second in
        try await second.transaction(deadline: .seconds(60)) { log in
          try await first.transaction(deadline: .seconds(60)) { tasks in
            _ = try await tasks.query(Statement("test.tasks", "SELECT 1 FROM task FOR UPDATE"))
            isLocked.finish()
            let pid = try await tasks.query(Self.pid)[0].int32(0)
            try await cluster.eventually("a batch waits for the task", within: .seconds(30)) {
              try await database.waitingFor(pid) > 0
            }
            if let broker {
              try broker.tell("pause", 1)
            } else {
              _ = try await log.query(Statement("test.heads", "SELECT 1 FROM log_head WHERE topic = 2 FOR UPDATE"))
            }
          }
          try await cluster.eventually("the dispatch is committed") {
            try await database.number("SELECT count(*) FROM task WHERE state = 2 AND attempt = 1") == 1
          }
          let worker = await cluster.server("worker")
          if broker == nil {
            let pid = try await log.query(Self.pid)[0].int32(0)
            try await cluster.eventually("the directive waits") { try await database.waitingFor(pid) > 0 }
            await cluster.signal(worker, SIGKILL)
            // What was sent to PostgreSQL already would be done there all the same.
            try await database.execute(
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE \(pid) = ANY (pg_blocking_pids(pid))")
          } else {
            await cluster.signal(worker, SIGKILL)
          }
          try await cluster.startAgain(worker)
        }
      }
    }
    try broker?.tell("resume", 1)
  }

  private static let pid = Statement("test.pid", "SELECT pg_backend_pid()")
}

extension TestDatabase {
  /// Lets every commit fail that has changed a table so.
  fileprivate func refuseCommits(of change: String, when condition: String = "true", as state: String = "40001")
    async throws
  {
    try await execute(
      """
      CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'refused by the test' USING ERRCODE = '\(state)'; END $$
      """)
    let events = change.split(separator: " ")
    try await execute(
      """
      CREATE CONSTRAINT TRIGGER test_refuse AFTER \(events[0]) ON \(events[2]) DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (\(condition)) EXECUTE FUNCTION test_refuse()
      """)
  }

  /// Lets them succeed again.
  fileprivate func acceptCommits() async throws { try await execute("DROP FUNCTION test_refuse CASCADE") }
}
