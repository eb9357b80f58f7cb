import Glibc
import HTTP
import Networking
import PostgreSQL
import Testing

/// Random faults of real processes under load (docs/architecture.md, section 1): after each round all is healed, must
/// settle, and what CPEs saw is compared with what the server holds.
@Suite("Fault campaign", .serialized)
struct FaultCampaignTests {
  /// What `scripts/test --faults` asks for.
  private static func wanted(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

  /// The rounds that one cluster goes through. The logs take turns, so that a campaign that is broken off had both.
  struct Turn: CustomTestStringConvertible {
    let log: TestCluster.Log
    let rounds: Int
    var testDescription: String { "\(rounds) on \(log.rawValue)" }

    private static let most = 5

    /// The turns of a campaign.
    static func turns(of rounds: Int, on logs: [TestCluster.Log]) -> [Turn] {
      stride(from: 0, to: rounds, by: most * logs.count).flatMap { begun in
        let slice = min(rounds - begun, most * logs.count)
        return logs.enumerated().map { Turn(log: $1, rounds: (slice + logs.count - 1 - $0) / logs.count) }
      }.filter { $0.rounds > 0 }
    }

    static var wanted: [Turn] {
      turns(of: Int(FaultCampaignTests.wanted("CARILLON_FAULT_ROUNDS") ?? 5), on: TestCluster.Log.available)
    }
  }

  @Test(
    "rounds of kills, stops, cut and delayed connections and slow disks lose nothing and do nothing dangerous twice",
    arguments: Turn.wanted)
  func rounds(_ turn: Turn) async throws {
    let campaign = try FaultCampaign(turn.log)
    defer { campaign.remove() }
    try await campaign.run { cluster in
      for _ in 0..<turn.rounds {
        let seed = Self.wanted("CARILLON_FAULT_SEED") ?? UInt64.random(in: 1...999_999)
        guard try await campaign.round(seed, cluster) else { break }
      }
    }
  }

  @Test func `a campaign has as many rounds as asked, and no more on one log than a turn before the other has its own`()
  {
    func told(_ rounds: Int) -> [String] { Turn.turns(of: rounds, on: [.postgresql, .kafka]).map(\.testDescription) }
    #expect(told(5) == ["3 on postgresql", "2 on kafka"])
    #expect(told(1) == ["1 on postgresql"])
    #expect(told(13) == ["5 on postgresql", "5 on kafka", "2 on postgresql", "1 on kafka"])
    #expect(Turn.turns(of: 7, on: [.postgresql]).map(\.rounds) == [5, 2])
  }

  @Test func `the disk is as slow as it was told to be, and no slower`() async throws {
    let disk = try SlowDisk()
    let server = TestPostgreSQL.Private("slow-disk", environment: disk.environment)
    defer {
      server.remove()
      disk.remove()
    }
    let database = TestDatabase(connection: try server.start())
    try await database.execute("CREATE TABLE t (n int)")
    try await database.withLane { lane in
      let insert = Statement("test.insert", "INSERT INTO t VALUES (1)")
      for (delay, least, most) in [(0, 0, 400), (500, 500, 9000)] {
        try disk.delay(delay)
        let began = ContinuousClock.now
        _ = try await lane.query(insert)
        let took = ContinuousClock.now - began
        #expect(took >= .milliseconds(least) && took < .milliseconds(most), "\(delay) ms: \(took)")
      }
      try disk.delay(0)
    }
  }

  @Test func `a seed's plan is always the same, leaves no part at fault twice at once, and ends`() {
    for seed in UInt64(1)...200 {
      let plan = FaultPlan(seed: seed, brokers: 3)
      #expect(plan == FaultPlan(seed: seed, brokers: 3))
      #expect(!plan.faults.isEmpty)
      for (index, fault) in plan.faults.enumerated() {
        #expect(fault.at < fault.until && fault.until <= FaultPlan.length)
        for other in plan.faults[..<index] where other.kind.part == fault.kind.part {
          #expect(other.until < fault.at, "seed \(seed): \(other) and \(fault)")
        }
      }
    }
    #expect(FaultPlan(seed: 1, brokers: 0) != FaultPlan(seed: 2, brokers: 0))
  }
}

/// One cluster under the campaign with all that stands around it.
struct FaultCampaign {
  private static let devices = 30
  /// What a round must have had to count.
  private static let leastTasks = 10
  private static let leastInforms = 3 * devices
  private static let roles = [
    "worker", "worker", "scheduler", "scheduler", "northbound", "gateway", "gateway",
  ]

  private let log: TestCluster.Log
  private let server: TestPostgreSQL.Private
  private let brokers: TestKafka.Private?
  private let brokerProxies: [FaultyProxy]
  private let disk: SlowDisk
  private let direct: TestDatabase
  private let databaseProxy: FaultyProxy
  private let addresses: [String]

  init(_ log: TestCluster.Log) throws {
    self.log = log
    disk = try SlowDisk()
    server = TestPostgreSQL.Private("faults", environment: disk.environment)
    direct = TestDatabase(connection: try server.start())
    let port = try #require(direct.connection.split(separator: " ").first { $0.hasPrefix("port=") }?.dropFirst(5))
    databaseProxy = try FaultyProxy(to: [try #require(Int(port))])
    brokerProxies = try (0..<(log == .kafka ? 3 : 0)).map { _ in try FaultyProxy() }
    brokers = log == .kafka ? TestKafka.Private("faults", brokers: 3, advertised: brokerProxies.map(\.port)) : nil
    for (proxy, address) in zip(brokerProxies, try brokers?.start() ?? []) {
      proxy.aim(at: try #require(address.split(separator: ":").last.flatMap { Int($0) }))
    }
    addresses = brokerProxies.map { "127.0.0.1:\($0.port)" }
  }

  func remove() {
    databaseProxy.end()
    for proxy in brokerProxies { proxy.end() }
    server.remove()
    brokers?.remove()
    disk.remove()
  }

  /// A cluster that reaches PostgreSQL and the brokers through proxies.
  func run(_ body: (TestCluster) async throws -> Void) async throws {
    let proxied = direct.connection.split(separator: " ").map {
      $0.hasPrefix("port=") ? "port=\(databaseProxy.port)" : String($0)
    }.joined(separator: " ")
    try await TestCluster.with(
      log, database: TestDatabase(connection: proxied), brokers: addresses, roles: Self.roles,
      settings: "worker: {session_timeout: 30s}"
    ) { cluster in
      try cluster.write("files/settings", String(repeating: "setting\n", count: 8000))
      try await body(cluster)
    }
  }

  // MARK: - A round

  /// - Returns: whether it went well; else it is told what was wrong.
  func round(_ seed: UInt64, _ cluster: TestCluster) async throws -> Bool {
    let plan = FaultPlan(seed: seed, brokers: brokers == nil ? 0 : 3)
    let number = FaultRounds.count
    let history = "\(cluster.folder)/history-\(number)"
    let ports = await [cluster.server("gateway", 0).cwmp, cluster.server("gateway", 1).cwmp]
    let cwmp = try FaultyProxy(to: ports)
    defer { cwmp.end() }
    do {
      // Devices that no other round had.
      let first = Int.random(in: 1...80_000_000)
      let fleet = try await cluster.fleet(
        [
          "-n", "\(Self.devices)", "--first", "\(first)", "--rate", "30", "--interval", "3", "--retry-ms", "300",
          "--boot-ms", "300", "--history", history, "--model", "tr181",
        ], port: cwmp.port)
      async let asked = ask(cluster, first, history)
      await inflict(plan, cluster, cwmp)
      let tasks = await asked
      try await settle(cluster)
      _ = try await cluster.finish(fleet: fleet)
      try await cluster.agrees(with: history)
      try await haveEnded(tasks, cluster)
      let informs = informs(in: history)
      guard tasks.count >= Self.leastTasks, informs >= Self.leastInforms else {
        throw NeverHappened(what: "a load: \(tasks.count) tasks, \(informs) Informs")
      }
      let crashes = await cluster.crashes
      guard crashes.isEmpty else { throw NeverHappened(what: "a round without crashes: \(crashes)") }
      FaultRounds.add(
        "\(log.rawValue) \(seed) \(plan.faults.count) faults, \(tasks.count) tasks, \(informs) Informs")
      return true
    } catch {
      let kept = try? keep(cluster.folder, seed)
      let database = (try? await activity()) ?? "PostgreSQL does not answer"
      let list = plan.faults.map(\.description).joined(separator: "\n  ")
      Issue.record(
        """
        seed \(seed) (scripts/test --faults 2 --fault-seed \(seed)) on \(log.rawValue): \(error)
          \(list)
        logs: \(kept ?? "none")
        \(database)
        """)
      return false
    }
  }

  /// What the API accepted was done, or ended with a reason; nothing of it is gone (P2).
  private func haveEnded(_ tasks: [String], _ cluster: TestCluster) async throws {
    for task in tasks {
      let (status, text) = try await cluster.api("/tasks/\(task)")
      let ends = ["succeeded", "failed", "expired", "dead"]
      guard status == .ok, ends.contains(where: { text.contains("\"state\":\"\($0)\"") }) else {
        throw NeverHappened(what: "the end of accepted task \(task): \(status) \(text.prefix(300))")
      }
    }
  }

  /// Who does what in the database, who waits for whom, what waits in the outbox, and what is not settled.
  private func activity() async throws -> String {
    let statement = Statement(
      "test.activity",
      """
      SELECT concat_ws(' ', pid, application_name, client_port, state, wait_event, age(now(), xact_start),
                       pg_blocking_pids(pid), left(query, 60))
        FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
      UNION ALL
      SELECT concat_ws(' ', 'outbox lane', o.lane, 'rows', count(*), 'first', min(o.id), 'of', c.owner, 'epoch',
                       c.epoch, 'until', c.lease_until, 'now', clock_timestamp())
        FROM outbox o LEFT JOIN log_claim c ON c.log = 'outbox' AND c.part = o.lane
       GROUP BY o.lane, c.owner, c.epoch, c.lease_until
      UNION ALL
      SELECT concat_ws(' ', 'task', id, 'of', device, method, 'state', state, 'origin', origin, 'attempt',
                       attempt, 'lost', lost, 'sent', dispatched_at, 'not before', not_before, 'until', deadline,
                       'fault', fault, 'session', (SELECT to_json(s) FROM session s WHERE s.device = t.device)::text)
        FROM task t
      """)
    return try await direct.withLane { lane in
      try await lane.query(statement).map { try $0.text(0) }.joined(separator: "\n")
    }
  }

  private func keep(_ folder: String, _ seed: UInt64) throws -> String {
    let kept = "\(TestPostgreSQL.root)/.local/faults/\(log.rawValue)-\(seed)"
    try IntegrationTests.run(
      "rm -rf '\(kept)' && mkdir -p '\(kept)' && cp '\(folder)'/*.log '\(folder)'/history-* '\(kept)'")
    return kept
  }

  private func informs(in history: String) -> Int {
    Int((try? IntegrationTests.run("grep -c '\"what\":\"inform\"' '\(history)'")) ?? "") ?? 0
  }

  /// Asks for work on random devices while faults go on, and longer where the server was away for most of it.
  /// - Returns: the tasks that the API took.
  private func ask(_ cluster: TestCluster, _ first: Int, _ history: String) async -> [String] {
    let end = ContinuousClock.now + .milliseconds(FaultPlan.length)
    var asked = 0
    var taken: [String] = []
    func isEnough() -> Bool { taken.count >= Self.leastTasks && informs(in: history) >= Self.leastInforms }
    while ContinuousClock.now < end || ContinuousClock.now < end + .seconds(90) && !isEnough() {
      // What could not start while PostgreSQL was away is started again, as a supervisor would.
      if ContinuousClock.now >= end { try? await cluster.reviveAll() }
      let number = String(first + Int.random(in: 0..<Self.devices))
      let serial = String(repeating: "0", count: 8 - number.count) + number
      let bodies = [
        #"{"method":"Reboot","deadline_seconds":30}"#,
        #"{"method":"SetParameterValues","deadline_seconds":120,"arguments":{"parameters":[{"name":"#
          + #""Device.DeviceInfo.ProvisioningCode","value":"p\#(asked)","type":"xsd:string"}]}}"#,
        #"{"method":"GetParameterValues","deadline_seconds":60,"arguments":{"names":["Device.DeviceInfo."]}}"#,
        #"{"method":"AddObject","deadline_seconds":60,"arguments":{"path":"Device.NAT.PortMapping."}}"#,
        #"{"method":"Download","deadline_seconds":60,"arguments":{"file_type":"3 Vendor Configuration File","url":"#
          + #""http://127.0.0.1:\#(cluster.filesPort)/files/settings"}}"#,
      ]
      let body = bodies[asked % bodies.count]
      asked += 1
      let path = "/devices/00D09E-Carillon-\(serial)/tasks"
      if let (status, text) = try? await cluster.api(path, method: "POST", body: body), status == .accepted,
        let id = text.split(separator: "\"").dropFirst(3).first
      {
        taken.append(String(id))
      }
      try? await cluster.loop.sleep(for: .milliseconds(150))
    }
    return taken
  }

  // MARK: - Faults

  private func inflict(_ plan: FaultPlan, _ cluster: TestCluster, _ cwmp: FaultyProxy) async {
    let began = ContinuousClock.now
    await withTaskGroup { group in
      // Of one part's faults one after another: on a busy machine a start takes longer than the plan has it.
      for faults in Dictionary(grouping: plan.faults, by: \.kind.part).values {
        group.addTask {
          for fault in faults {
            try? await cluster.loop.sleep(for: began + .milliseconds(fault.at) - .now)
            await self.inflict(fault, cluster, cwmp)
          }
        }
      }
      let length = FaultPlan.length
      group.addTask { try? await cluster.loop.sleep(for: .milliseconds(length)) }
    }
  }

  private func inflict(_ fault: FaultPlan.Fault, _ cluster: TestCluster, _ cwmp: FaultyProxy) async {
    let pause: () async -> Void = { try? await cluster.loop.sleep(for: .milliseconds(fault.until - fault.at)) }
    do {
      switch fault.kind {
      case .kill(let role, let number):
        let victim = await cluster.server(role, number)
        await cluster.signal(victim, SIGKILL)
        await pause()
        try await cluster.startAgain(victim)
      case .pause(let role, let number):
        let victim = await cluster.server(role, number)
        await cluster.signal(victim, SIGSTOP)
        await pause()
        await cluster.signal(victim, SIGCONT)
      case .killDatabase:
        try server.kill()
        await pause()
        try server.start()
      case .pauseDatabase:
        try server.signal("STOP")
        await pause()
        try server.signal("CONT")
      case .killBroker(let number):
        try brokers?.tell("kill", number)
        await pause()
        // The script gives up on a broker that is slow to come; the machine may be busy.
        if (try? brokers?.start()) == nil { try brokers?.start() }
      case .pauseBroker(let number):
        try brokers?.tell("pause", number)
        await pause()
        try brokers?.tell("resume", number)
      case .cut(let link, let bytes):
        for proxy in proxies(of: link, cwmp) { proxy.cut(after: bytes) }
        await pause()
        for proxy in proxies(of: link, cwmp) { proxy.cut(after: 0) }
      case .delay(let link, let milliseconds):
        for proxy in proxies(of: link, cwmp) { proxy.delay(milliseconds: milliseconds) }
        await pause()
        for proxy in proxies(of: link, cwmp) { proxy.delay(milliseconds: 0) }
      case .slowDisk(let milliseconds):
        try disk.delay(milliseconds)
        await pause()
        try disk.delay(0)
      }
    } catch {
      Issue.record("\(fault) could not be done: \(error)")
    }
  }

  private func proxies(of link: FaultPlan.Link, _ cwmp: FaultyProxy) -> [FaultyProxy] {
    switch link {
    case .cwmp: [cwmp]
    case .database: [databaseProxy]
    case .brokers: brokerProxies
    }
  }

  // MARK: - Afterwards

  /// All is healed: every task ends, the log is drained, every event is out.
  private func settle(_ cluster: TestCluster) async throws {
    for role in Set(Self.roles).sorted() {
      try await cluster.eventually("\(role)s are ready again", within: .seconds(60)) {
        // What could not start while PostgreSQL was away is started again, as a supervisor would.
        try await cluster.reviveAll()
        return try await cluster.areReady(role)
      }
    }
    // One that was lost four times waits up to 300 s for its fifth attempt (`Fold.retry`).
    try await cluster.eventually("every task is settled", within: .seconds(360)) {
      let (status, text) = try await cluster.api("/tasks?state=live&limit=1000")
      return status == .ok && text.components(of: "\"id\"") == 0
    }
    try await cluster.eventually("every event has left", within: .seconds(60)) {
      try await direct.withLane { lane in
        try await lane.query(Statement("test.outbox", "SELECT 1 FROM outbox LIMIT 1")).isEmpty
      }
    }
  }
}

/// How many rounds went well, in a file so that several runs add up: one line each.
enum FaultRounds {
  private static let folder = "\(TestPostgreSQL.root)/.local/faults"
  private static let file = "\(folder)/rounds"

  static var count: Int { Int((try? run("mkdir -p '\(folder)' && cat '\(file)' 2>/dev/null | wc -l")) ?? "") ?? 0 }

  static func add(_ line: String) { _ = try? run("mkdir -p '\(folder)' && echo '\(line)' >>'\(file)'") }
}

/// The preload that makes PostgreSQL's disk slow, and the file that tells it how slow.
struct SlowDisk {
  private let folder: String

  init() throws {
    folder = "\(TestPostgreSQL.root)/.local/slow-disk-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let source = "\(TestPostgreSQL.root)/Tests/Preload/slow_disk.c"
    try run(
      """
      mkdir -p '\(folder)' && chmod 755 '\(folder)' && echo 0 >'\(folder)/delay' && chmod 644 '\(folder)/delay' \
      && $(command -v cc || command -v clang) -shared -fPIC -O2 -o '\(folder)/slow_disk.so' '\(source)' -ldl
      """)
  }

  /// What the server is started with.
  var environment: String { "LD_PRELOAD='\(folder)/slow_disk.so' CARILLON_SLOW_DISK='\(folder)/delay'" }

  func delay(_ milliseconds: Int) throws { try run("echo \(milliseconds) >'\(folder)/delay'") }

  func remove() { _ = try? run("rm -rf '\(folder)'") }
}
