import Cryptography
import EventLog
import Glibc
import HTTP
import Networking
import Synchronization

/// A cluster of real processes: the built `carillon`, each role its own, on a database of its own, on free ports. All
/// end when the test does, by their own pid.
actor TestCluster {
  /// Which event log the cluster runs on.
  enum Log: String, CaseIterable, Sendable {
    case postgresql, kafka

    /// Those that can be had here; Kafka needs a broker (`CARILLON_TEST_KAFKA`).
    static var available: [Log] { TestKafka.isAvailable ? [.postgresql, .kafka] : [.postgresql] }
  }

  /// A process of the cluster.
  struct Server {
    var role: String
    var pid: pid_t
    var operations: Int
    var cwmp: Int
    var api: Int
  }

  let folder: String
  let loop: EventLoop
  let http: HTTPClient
  let connection: String
  let log: Log
  let prefix: String
  /// Sections of the configuration besides those of every test.
  private let settings: String
  private let brokers: [String]
  /// More fields of the gateways' listener.
  private let listener: String
  /// More fields of the gateways: a line of YAML.
  private let gateway: String
  /// More fields of the API.
  private let api: String
  /// The gateway that serves firmware.
  let filesPort: Int
  private(set) var servers: [Server] = []
  /// Processes that ended by a signal that nobody sent them.
  private(set) var crashes: [String] = []
  private var fleets: [pid_t] = []
  static let token = "a-token-of-tests-0123456789"
  static let bootstrap = (user: "boot", password: "boot-password")

  init(
    _ log: Log, database: TestDatabase, loop: EventLoop, settings: String = "", listener: String = "",
    gateway: String = "", api: String = "", brokers: [String] = TestKafka.servers
  ) throws {
    self.log = log
    self.brokers = brokers
    self.listener = listener
    self.gateway = gateway
    self.api = api
    filesPort = try Self.freePorts(1)[0]
    self.settings = settings
    self.loop = loop
    http = try HTTPClient(loop: loop)
    folder = try run("mktemp -d")
    prefix = "test-\(UUID128.random().base64URL)-"
    connection = database.connection
    try run("mkdir '\(folder)/files'")
    let secret = SecureRandom.bytes(32)
    try write("secret", Hex.encode(secret.span))
    try write("bootstrap", Self.bootstrap.password)
    try write("token", Self.token)
    let password = connection.split(separator: " ").last { $0.hasPrefix("password=") }?.dropFirst("password=".count)
    try write("database", String(password ?? "none"))
  }

  /// Runs `body` with a cluster of these roles, ready to serve; then ends its processes.
  static func with(
    _ log: Log, roles: [String] = ["worker", "scheduler", "northbound", "gateway"], settings: String = "",
    listener: String = "", _ body: (TestCluster) async throws -> Void
  ) async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await with(log, database: database, roles: roles, settings: settings, listener: listener, body)
    }
  }

  /// The same on a database, and maybe brokers, of the test's own.
  static func with(
    _ log: Log, database: TestDatabase, brokers: [String] = TestKafka.servers, roles: [String], settings: String = "",
    listener: String = "", gateway: String = "", api: String = "", _ body: (TestCluster) async throws -> Void
  ) async throws {
    let loop = try EventLoop(name: "cluster")
    let cluster = try TestCluster(
      log, database: database, loop: loop, settings: settings, listener: listener, gateway: gateway, api: api,
      brokers: brokers)
    do {
      try await cluster.begin(roles)
      try await body(cluster)
      await cluster.end()
    } catch {
      await cluster.end()
      throw error
    }
    await loop.shutdown()
  }

  // MARK: - Processes

  func prepare() throws {
    let configuration = try configure(operations: 0, cwmp: 0, api: 0)
    _ = try run("'\(Self.program)' migrate --config '\(configuration)' 2>&1")
  }

  /// What `carillon migrate` with these options says, also where it refuses.
  func migrate(_ options: String...) throws -> String {
    let configuration = try configure(operations: 0, cwmp: 0, api: 0)
    let command = "'\(Self.program)' migrate \(options.joined(separator: " ")) --config '\(configuration)'"
    return try run("said=$(\(command) 2>&1); echo $said")
  }

  /// Starts a role and waits until it is ready.
  @discardableResult
  func start(_ role: String, awaited: Bool = true) async throws -> Server {
    var ports = try Self.freePorts(3)
    if role == "gateway", !servers.contains(where: { $0.cwmp == filesPort }) { ports[1] = filesPort }
    return try await start(role, ports: ports, awaited: awaited)
  }

  /// Its process has ended and was waited for.
  func forget(_ server: Server) { servers.removeAll { $0.pid == server.pid } }

  /// SIGKILL, and another in its place at once, on the same ports.
  func replace(_ server: Server) async throws {
    signal(server, SIGKILL)
    try await startAgain(server)
  }

  /// Another in the place of one that was killed, on the same ports, and not yet ready.
  func startAgain(_ server: Server) async throws {
    try await start(server.role, ports: [server.operations, server.cwmp, server.api], awaited: false)
  }

  /// Whether every process of a role says that it is ready.
  func areReady(_ role: String) async throws -> Bool {
    for server in servers where server.role == role {
      var request = HTTPClientRequest(url: "http://127.0.0.1:\(server.operations)/readyz")
      request.deadline = .seconds(2)
      guard try await http.execute(request).status == .ok else { return false }
    }
    return true
  }

  /// What `carillon-cpe verify` has to say of a history.
  func verify(_ history: String) throws -> String {
    try run(
      """
      '\(Self.program)-cpe' verify --history '\(history)' --api http://127.0.0.1:\(server("northbound").api) \
      --token-file '\(folder)/token' --json | head -c 4000 | tr '\\n' ' '
      """)
  }

  /// SIGTERM; gives the exit code, or minus the signal that ended it.
  func stop(_ server: Server) async throws -> Int32 {
    kill(server.pid, SIGTERM)
    var status: Int32 = 0
    try await eventually("\(server.role) ends", within: .seconds(30)) {
      waitpid(server.pid, &status, WNOHANG) == server.pid
    }
    forget(server)
    return status & 0x7f == 0 ? status >> 8 : -(status & 0x7f)
  }

  /// SIGTERM, and once it has ended by itself another in its place, on the same ports.
  /// - Returns: its exit code.
  func restart(_ server: Server) async throws -> Int32 {
    let code = try await stop(server)
    try await start(server.role, ports: [server.operations, server.cwmp, server.api])
    return code
  }

  @discardableResult
  private func start(_ role: String, ports: [Int], awaited: Bool = true) async throws -> Server {
    let configuration = try configure(operations: ports[0], cwmp: ports[1], api: ports[2])
    let pid = try spawn(role, configuration)
    let server = Server(role: role, pid: pid, operations: ports[0], cwmp: ports[1], api: ports[2])
    servers.append(server)
    guard awaited else { return server }
    var answer = "no answer"
    do {
      try await eventually("\(role) is ready", within: .seconds(90)) {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(ports[0])/readyz")
        request.deadline = .seconds(2)
        let response = try await self.http.execute(request)
        answer = String(decoding: response.body, as: UTF8.self)
        return response.status == .ok
      }
    } catch {
      // What it waits for, and what it said last: the folder goes with the cluster.
      throw CommandFailed(command: "\(role) is not ready: \(answer)", said: lastLines(role))
    }
    return server
  }

  func server(_ role: String, _ number: Int = 0) -> Server {
    let all = servers.filter { $0.role == role }
    return all[number % all.count]
  }

  /// Sends a signal; after SIGKILL the process is waited for and forgotten.
  func signal(_ server: Server, _ number: Int32) {
    kill(server.pid, number)
    guard number == SIGKILL else { return }
    var status: Int32 = 0
    waitpid(server.pid, &status, 0)
    servers.removeAll { $0.pid == server.pid }
  }

  /// Starts another in the place of a process that has ended by itself.
  /// - Returns: whether it had.
  func revive(_ role: String) async throws -> Bool {
    var status: Int32 = 0
    let pid = server(role).pid
    guard waitpid(pid, &status, WNOHANG) == pid else { return false }
    servers.removeAll { $0.pid == pid }
    try await start(role, awaited: false)
    return true
  }

  /// Starts others in the places of all that have ended by themselves, and notes those that crashed.
  func reviveAll() async throws {
    for server in servers {
      var status: Int32 = 0
      guard waitpid(server.pid, &status, WNOHANG) == server.pid else { continue }
      if status & 0x7f != 0 { crashes.append("\(server.role) by signal \(status & 0x7f)") }
      forget(server)
      try await startAgain(server)
    }
  }

  /// Lines of the role's logs that hold a text.
  func logged(_ role: String, _ text: String) -> Int {
    Int((try? run("cat '\(folder)/\(role)'-*.log | grep -cF '\(text)' || true")) ?? "") ?? 0
  }

  /// The end of the role's logs.
  private func lastLines(_ role: String) -> String {
    do {
      try run("tail -qn 20 '\(folder)/\(role)'-*.log; false")
    } catch {
      return (error as? CommandFailed)?.said ?? ""
    }
    return ""
  }

  func end() async {
    await http.shutdown()
    for pid in servers.map(\.pid) + fleets {
      kill(pid, SIGCONT)
      kill(pid, SIGKILL)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
    }
    servers = []
    fleets = []
    _ = try? run("rm -rf '\(folder)'")
  }

  /// Starts HAProxy with the configuration that we ship before the first two gateways; gives its ports. It ends with
  /// the cluster.
  func balancer() async throws -> (cwmp: Int, statistics: Int) {
    let ports = try Self.freePorts(2)
    let gateways = servers.filter { $0.role == "gateway" }
    var command = [
      "/usr/bin/env", "PATH=/usr/sbin:/usr/bin:/bin", "CARILLON_LB_CWMP=127.0.0.1:\(ports[0])",
      "CARILLON_LB_STATS=127.0.0.1:\(ports[1])",
    ]
    for (number, gateway) in gateways.prefix(2).enumerated() {
      command.append("CARILLON_GATEWAY_\(number + 1)=127.0.0.1:\(gateway.cwmp)")
      command.append("CARILLON_GATEWAY_\(number + 1)_HEALTH=\(gateway.operations)")
    }
    command += ["haproxy", "-db", "-f", "\(TestPostgreSQL.root)/deploy/haproxy.cfg"]
    fleets.append(try spawn(command, output: "\(folder)/haproxy.log"))
    try await eventually("HAProxy is there") {
      try await self.http.execute(HTTPClientRequest(url: "http://127.0.0.1:\(ports[1])/healthz")).status == .ok
    }
    return (ports[0], ports[1])
  }

  /// Starts a fleet of simulated CPEs; what it prints at its end is what ``finish(fleet:)`` returns.
  /// - Parameter port: of what they connect to; the first gateway by default.
  func fleet(_ arguments: [String], port: Int? = nil) throws -> pid_t {
    let url = "http://127.0.0.1:\(port ?? server("gateway").cwmp)/"
    try write("fleet.bootstrap", "\(Self.bootstrap.user):\(Self.bootstrap.password)")
    let pid = try spawn(
      [Self.program + "-cpe", "run", "--url", url, "--bootstrap", "\(folder)/fleet.bootstrap", "--quiet", "--json"]
        + arguments, output: "\(folder)/fleet.json")
    fleets.append(pid)
    return pid
  }

  /// Ends a fleet and gives its summary.
  func finish(fleet: pid_t) throws -> String {
    kill(fleet, SIGTERM)
    var status: Int32 = 0
    waitpid(fleet, &status, 0)
    fleets.removeAll { $0 == fleet }
    return try run("tail -n 1 '\(folder)/fleet.json'")
  }

  private func spawn(_ role: String, _ configuration: String) throws -> pid_t {
    // More shards than one, as on larger machines: partitions move within a process, too.
    try spawn(
      ["/usr/bin/env", "CARILLON_WORKER_SHARDS=2", Self.program, role, "--config", configuration],
      output: "\(folder)/\(role)-\(UInt32.random(in: 0 ... .max)).log")
  }

  private func spawn(_ command: [String], output: String) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var arguments: [UnsafeMutablePointer<CChar>?] = []
    for argument in command { arguments.append(strdup(argument)) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    guard posix_spawn(&pid, command[0], &actions, nil, &arguments, environ) == 0 else {
      throw CommandFailed(command: command.joined(separator: " "))
    }
    return pid
  }

  /// The built server, beside the tests.
  static let program: String = {
    var path = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count)
    let own = String(decoding: path.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let beside = own.split(separator: "/").dropLast().joined(separator: "/")
    // Never another one: it may be built for a sanitizer.
    return "/\(beside)/carillon"
  }()

  // MARK: - Configuration

  private func configure(operations: Int, cwmp: Int, api: Int) throws -> String {
    let url = connection.split(separator: " ").filter { !$0.hasPrefix("password=") }.joined(separator: " ")
    let brokers = self.brokers.map { "'\($0)'" }.joined(separator: ", ")
    let text = """
      cluster: {secret_file: \(folder)/secret}
      database: {url: "\(url)", password_file: \(folder)/database}
      log:
        kind: \(log.rawValue)
        topics: {messages: {partitions: 4}, directives: {partitions: 2}}
        kafka:
          brokers: [\(brokers)]
          topic_prefix: "\(prefix)"
          replication_factor: \(self.brokers.count >= 3 ? 3 : 1)
          min_insync_replicas: \(self.brokers.count >= 3 ? 2 : 1)
          allow_few_replicas: \(self.brokers.count < 3)
      gateway:
        loops: 1
        \(gateway)
        listeners: [{address: 127.0.0.1, port: \(max(cwmp, 1))\(listener)}]
        authentication:
          allow_basic_without_tls: true
          bootstrap: {username: \(Self.bootstrap.user), password_file: \(folder)/bootstrap}
        files: {directory: \(folder)/files, public_url: "http://127.0.0.1:\(filesPort)/files"}
      scheduler: {connection_request_networks: [127.0.0.0/8]}
      northbound: {port: \(max(api, 1)), token_file: \(folder)/token\(self.api)}
      operations: {port: \(max(operations, 1)), log_level: info}
      \(settings)
      """
    let path = "\(folder)/\(operations).yaml"
    try write("\(operations).yaml", text)
    return path
  }

  nonisolated func write(_ name: String, _ text: String) throws {
    let descriptor = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { throw CommandFailed(command: "write \(name)") }
    defer { close(descriptor) }
    var text = text
    text.withUTF8 { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }

  /// Loopback ports that nobody listens on, below the ephemeral ones: a server binds its port only when it starts, or
  /// again after it was killed, and until then no outgoing connection of anyone may be given it. No two calls of this
  /// process give the same one.
  static func freePorts(_ count: Int) throws -> [Int] {
    try (0..<count).map { _ in
      for _ in 0..<200 {
        let port = nextPort.withLock { next in
          next = ownPorts.contains(next + 1) ? next + 1 : ownPorts.lowerBound
          return next
        }
        if isFree(port) { return port }
      }
      throw CommandFailed(command: "find a free port")
    }
  }

  /// Beside those that the scripts give PostgreSQL and the brokers.
  private static let ownPorts = 10_000..<20_000
  private static let nextPort = Mutex(Int.random(in: ownPorts))

  private static func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  // MARK: - Asking

  /// A GET or POST of the API, its answer as text.
  func api(
    _ path: String, method: String = "GET", body: String = "", type: String = "application/json"
  ) async throws -> (HTTPStatus, String) {
    guard servers.contains(where: { $0.role == "northbound" }) else { throw NeverHappened(what: "an API") }
    var request = HTTPClientRequest(url: "http://127.0.0.1:\(server("northbound").api)/api/v1\(path)")
    request.method = method
    request.fields = [("Authorization", "Bearer \(Self.token)"), ("Content-Type", type)]
    request.body = Array(body.utf8)
    request.deadline = .seconds(60)
    request.responseLimit = 64 << 20
    let response = try await http.execute(request)
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  /// The value of a metric that has no labels.
  func metric(_ name: String, of server: Server) async throws -> Int {
    var request = HTTPClientRequest(url: "http://127.0.0.1:\(server.operations)/metrics")
    request.responseLimit = 1 << 20
    let text = String(decoding: try await http.execute(request).body, as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
    return line.flatMap { Int($0.dropFirst(name.count + 1)) } ?? 0
  }

  /// Waits until a condition holds; errors count as not yet. Where it never does, it is told with the last error, and
  /// with the last troubles of all processes: their logs go with the cluster.
  nonisolated func eventually(
    _ what: String, within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
  ) async throws {
    let end = ContinuousClock.now + limit
    var last = ""
    while ContinuousClock.now < end {
      do {
        if try await condition() { return }
        last = ""
      } catch {
        last = " (last: \(error))"
      }
      try await loop.sleep(for: .milliseconds(50))
    }
    throw NeverHappened(what: what + last, troubles: self.troubles)
  }

  /// The last warnings and errors of all processes.
  private nonisolated var troubles: String {
    do {
      try run("cd '\(folder)' && grep -hE '\"level\":\"(warning|error)' *.log | sort | tail -n 8; false")
    } catch {
      return (error as? CommandFailed)?.said ?? ""
    }
    return ""
  }
}

/// Something that a test waited for and that did not come.
struct NeverHappened: Error, CustomStringConvertible {
  let what: String
  var troubles = ""
  var description: String { "never: \(what)" + (troubles.isEmpty ? "" : "\n\(troubles)") }
}
