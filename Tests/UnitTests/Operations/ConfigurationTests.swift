import Glibc
import Operations
import Testing
import YAML

@Suite("Configuration")
struct ConfigurationTests {
  private func parse(_ text: String, _ environment: [String: String] = [:]) throws -> Configuration {
    try Configuration.parse(Array(text.utf8), file: "c.yaml", environment: environment)
  }

  private func problems(_ text: String, _ environment: [String: String] = [:]) -> [String] {
    let error = #expect(throws: ConfigurationError.self) { try parse(text, environment) }
    return error?.problems.map(\.description) ?? []
  }

  @Test("Without a file, the defaults are those of the design (architecture, section 10)")
  func defaults() throws {
    let configuration = try parse("")
    #expect(configuration.gateway.listeners.map(\.port) == [7547])
    #expect(configuration.northbound.port == 8080)
    #expect(configuration.operations.port(of: .gateway) == 9101)
    #expect(configuration.log.kind == .postgresql)
    #expect(configuration.gateway.limits.body == 16 << 20)
    #expect(configuration.gateway.limits.unauthenticatedBody == 256 << 10)
    #expect(configuration.gateway.limits.directiveDeadline == .seconds(5))
    // The largest body passes over an uplink of 256 kbit/s (item 25).
    #expect(configuration.gateway.limits.bodyDeadline >= .seconds((16 << 20) / (256_000 / 8)))
    #expect(configuration.worker.rounds == 16)
    #expect(configuration.worker.rpcs == 64)
    #expect(configuration.gateway.authentication.allowsUnauthenticated == false)
    #expect(configuration.database.allowsAsynchronousStandby == false)
  }

  @Test("The Kafka log has the design's partitions and retention (architecture, section 7)")
  func kafka() throws {
    let configuration = try parse("log: {kind: kafka, kafka: {brokers: [a:9092, b:9092]}}")
    #expect(configuration.log.kafka.brokers == ["a:9092", "b:9092"])
    #expect(configuration.log.messages.partitions == 24)
    #expect(configuration.log.messages.retention == .seconds(7 * 86_400))
    #expect(configuration.log.directives.retention == .seconds(600))
    #expect(configuration.log.kafka.tls == nil)
    #expect(configuration.log.kafka.sasl == nil)
    let secured = try parse(
      """
      log:
        kind: kafka
        kafka:
          brokers: b:9093
          tls: {enabled: true, ca_file: /ca.pem}
          sasl: {mechanism: PLAIN, username: carillon, password_file: /kafka.password}
      """)
    #expect(secured.log.kafka.tls?.authorityFile == "/ca.pem")
    #expect(secured.log.kafka.sasl?.username == "carillon")
    #expect(problems("log: {kind: kafka}") == ["c.yaml:1:6: log.kafka: kafka.brokers is needed for the kafka log"])
    #expect(problems("log: {kafka: {brokers: a, replication_factor: 1, min_insync_replicas: 1}}").count == 1)
    let text = "log: {kafka: {replication_factor: 1, min_insync_replicas: 1, allow_few_replicas: true}}"
    #expect(try parse(text).log.kafka.replicationFactor == 1)
  }

  @Test("Listeners are a list; TLS takes 7548 unless told otherwise")
  func listeners() throws {
    let configuration = try parse(
      """
      gateway:
        listeners:
          - address: 10.0.0.1
          - certificate_file: /c.pem
            key_file: /k.pem
            connection_identity: proxy-v2
            proxy_peers: [10.0.0.0/8, 192.0.2.1]
      """)
    #expect(configuration.gateway.listeners.map(\.port) == [7547, 7548])
    #expect(configuration.gateway.listeners[1].connectionIdentity == .proxyV2)
    #expect(configuration.gateway.listeners[1].proxyPeers == ["10.0.0.0/8", "192.0.2.1"])
    #expect(
      problems("gateway:\n  listeners:\n    - connection_identity: proxy-v2\n") == [
        "c.yaml:3:28: gateway.listeners[0].connection_identity: proxy-v2 needs proxy_peers: anybody else could "
          + "name any address"
      ])
  }

  @Test("The API is plain HTTP on loopback only, unless that is asked for by name")
  func plainAPI() throws {
    for text in [
      "address: 127.0.0.1", "address: '::1'", "{address: 0.0.0.0, allow_without_tls: true}",
      "{address: 0.0.0.0, certificate_file: /c.pem, key_file: /k.pem}",
    ] {
      let section = text.hasPrefix("{") ? text : "{\(text)}"
      #expect(throws: Never.self) { try parse("northbound: \(section)") }
    }
    for address in ["0.0.0.0", "10.0.0.1", "'::'"] {
      let found = problems("northbound: {address: \(address)}")
      #expect(found.count == 1 && found.first?.contains("allow_without_tls: true") == true)
    }
  }

  @Test("A head's limit is one that the reader of heads can hold to")
  func head() throws {
    #expect(try parse("gateway: {limits: {head: 63KiB}}").gateway.limits.head == 63 << 10)
    #expect(problems("gateway: {limits: {head: 64KiB}}").count == 1)
  }

  @Test("Every key can be set as CARILLON_SECTION_KEY, which goes before the file")
  func environment() throws {
    let configuration = try parse(
      "gateway: {limits: {body: 1MiB}, loops: 2}",
      [
        "CARILLON_GATEWAY_LIMITS_BODY": "2MiB", "CARILLON_GATEWAY_LISTENERS_0_PORT": "1234",
        "CARILLON_GATEWAY_LISTENERS_1_PORT": "1235", "CARILLON_LOG_KIND": "kafka",
        "CARILLON_LOG_KAFKA_BROKERS": "a:1, b:2", "CARILLON_OPERATIONS_LOG_LEVEL": "debug",
        "CARILLON_API_URL": "not ours", "PATH": "/bin",
      ])
    #expect(configuration.gateway.limits.body == 2 << 20)
    #expect(configuration.gateway.loops == 2)
    #expect(configuration.gateway.listeners.map(\.port) == [1234, 1235])
    #expect(configuration.log.kafka.brokers == ["a:1", "b:2"])
    #expect(configuration.operations.logLevel == .debug)
  }

  @Test("All problems are told at once, each with file, line, column and key, or its variable")
  func allProblems() {
    let found = problems(
      "databse: {}\ngateway:\n  loops: many\n  limits:\n    body: 1TB\nworker:\n  session_timeout: 5\n",
      ["CARILLON_NORTHBOUND_PORT": "99999", "CARILLON_WORKER_SHARD": "2"])
    #expect(
      found == [
        "c.yaml:3:10: gateway.loops: a whole number from 0 to 256 is expected",
        "c.yaml:5:11: gateway.limits.body: a size from 64KiB to 64MiB is expected, in bytes or with KiB, MiB or GiB",
        "c.yaml:7:20: worker.session_timeout: a time from 5s to 1h with its unit (ms, s, m, h, d) is expected",
        "environment CARILLON_NORTHBOUND_PORT: northbound.port: a whole number from 0 to 65535 is expected",
        "c.yaml:1:1: databse: unknown key; did you mean 'database'?",
        "environment CARILLON_WORKER_SHARD: no key of the configuration is named so; did you mean "
          + "CARILLON_WORKER_SHARDS?",
      ])
  }

  @Test("What two sections say against each other is one problem, and no other key is blamed for it")
  func contradiction() {
    let text = """
      gateway: {drain: 20s, limits: {answer_deadline: 10s}}
      operations: {port: 1, log_level: info, stop_deadline: 25s}
      """
    let told = problems(text)
    #expect(told.count == 1)
    #expect(told.first?.contains("operations.stop_deadline: must be longer than gateway.drain") == true)
  }

  @Test("Secrets stand in files or in the environment, never in the YAML, and are never echoed")
  func secrets() throws {
    let found = problems(
      "database: {url: \"postgresql://u:hunter2@h/db\", password: hunter2}\n"
        + "gateway: {authentication: {bootstrap: {username: boot, password: hunter2}}}")
    #expect(found.count >= 3)
    #expect(found.allSatisfy { !$0.contains("hunter2") })
    let configuration = try parse(
      "gateway: {authentication: {bootstrap: {username: boot}}}",
      ["CARILLON_GATEWAY_AUTHENTICATION_BOOTSTRAP_PASSWORD": "hunter2"])
    let bootstrap = try #require(configuration.gateway.authentication.bootstrap)
    #expect(try bootstrap.password.load() == "hunter2")
    var dump = ""
    Swift.dump(configuration, to: &dump)
    #expect(!dump.contains("hunter2"))
  }

  @Test("No authentication is a thing that one asks for by name")
  func unauthenticated() throws {
    #expect(problems("gateway: {authentication: {basic: false, digest: false}}").count == 1)
    let open = "gateway: {authentication: {basic: false, digest: false, allow_unauthenticated: true}}"
    #expect(try parse(open).gateway.authentication.allowsUnauthenticated)
  }

  @Test("Every key has a variable of its own")
  func keys() {
    let keys = Configuration.keys
    #expect(keys.contains { $0.path == "gateway.limits.body" && $0.fallback == "16MiB" })
    #expect(Set(keys.map(\.variable)).count == Set(keys.map(\.path)).count)
  }
}

@Suite("Times and sizes")
struct QuantityTests {
  @Test(
    "Times have a unit", arguments: [("250ms", 250), ("5s", 5000), ("10m", 600_000), ("7d", 604_800_000), ("0", 0)])
  func durations(text: String, milliseconds: Int) {
    #expect(Quantity.duration(text) == .milliseconds(milliseconds))
    #expect(Quantity.text(.milliseconds(milliseconds)) == text)
  }

  @Test("Sizes may have one", arguments: [("4095", 4095), ("4KiB", 4096), ("16MiB", 16 << 20), ("1GiB", 1 << 30)])
  func sizes(text: String, bytes: Int) {
    #expect(Quantity.bytes(text) == bytes)
    #expect(Quantity.text(bytes: bytes) == text)
  }

  @Test("Anything else is nothing", arguments: ["", "5", "-5s", "5 s", "1.5s", "s", "99999999999999999999d"])
  func malformed(text: String) {
    #expect(Quantity.duration(text) == nil)
  }
}

@Suite("Secret files")
struct SecretFileTests {
  @Test(
    "A file that others can read is refused with the command that cures it", arguments: [0o600, 0o640, 0o644, 0o660])
  func modes(mode: UInt32) throws {
    var path = Array("/tmp/carillon-secret-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    let name = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      close(descriptor)
      unlink(name)
    }
    _ = write(descriptor, "hunter2\n", 8)
    fchmod(descriptor, mode)
    if mode == 0o600 || mode == 0o640 {
      #expect(try SecretSource.file(name).load() == "hunter2")
    } else {
      let error = #expect(throws: FileError.self) { try SecretSource.file(name).load() }
      #expect(error?.description.contains("chmod 600") == true)
    }
  }

  @Test("A missing file is told by its name")
  func missing() {
    let error = #expect(throws: FileError.self) { try SecretSource.file("/nonexistent/secret").load() }
    #expect(error?.description == "/nonexistent/secret: No such file or directory")
  }
}
