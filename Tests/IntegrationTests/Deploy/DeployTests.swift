import Glibc
import Operations
import Testing
import YAML

/// No container engine and no service manager runs here: what these files say is held to what the programs accept.
@Suite("What deploy/ and docker-compose.yml say", .timeLimit(.minutes(2)))
struct DeployTests {
  private static let hasCompose = (try? run("command -v docker-compose")) != nil
  private static let hasSystemd = (try? run("command -v systemd-analyze")) != nil
  private static let hasHAProxy = (try? run("PATH=$PATH:/usr/sbin command -v haproxy")) != nil

  private let root = TestPostgreSQL.root

  @Test(
    "the compose file fits its schema, and its commands, ports and variables are what the programs accept",
    .enabled(if: hasCompose, "no docker-compose: scripts/install deploy"))
  func compose() throws {
    let services = try services()
    #expect(
      services.map(\.key).sorted() == [
        "gateway-1", "gateway-2", "kafka-1", "kafka-2", "kafka-3", "load-balancer", "migrate", "northbound",
        "postgresql", "scheduler-1", "scheduler-2", "worker-1", "worker-2",
      ])
    for service in services {
      let name = service.key
      if name != "migrate" { #expect(service.value["healthcheck"]?["test"] != nil, "\(name) has no health check") }
      guard service.value["image"]?.text?.hasPrefix("carillon:") == true else { continue }
      let command = try #require(service.value["command"]?.texts)
      try run("'\(TestCluster.program)' \(command.joined(separator: " ")) --help >/dev/null")
      try check(environment: service.value["environment"]?.entries ?? [], of: name)
      guard let role = ProcessRole.allCases.first(where: { [$0.name] == command }) else { continue }
      let port = try Configuration.parse([], file: "none", environment: [:]).operations.port(of: role)
      let probe = service.value["healthcheck"]?["test"]?.texts.last
      #expect(probe == "http://127.0.0.1:\(port)/readyz", "\(name)")
    }
  }

  @Test("the compose file's check of variables can fail")
  func unknownVariable() {
    #expect(throws: CommandFailed.self) { try check(environment: [("CARILLON_WORKER_SHARD", "2")], of: "worker-1") }
  }

  @Test("HAProxy takes its configuration", .enabled(if: hasHAProxy, "no haproxy: scripts/install kafka"))
  func haproxy() throws {
    try run(
      """
      CARILLON_LB_CWMP=127.0.0.1:7547 CARILLON_LB_STATS=127.0.0.1:8404 \
      CARILLON_GATEWAY_1=127.0.0.1:7548 CARILLON_GATEWAY_2=127.0.0.1:7549 \
      CARILLON_GATEWAY_1_HEALTH=9101 CARILLON_GATEWAY_2_HEALTH=9102 \
      PATH=$PATH:/usr/sbin haproxy -c -f '\(root)/deploy/haproxy.cfg' 2>&1
      """)
  }

  @Test("the sample configuration is sound and names every key, where it belongs")
  func sample() throws {
    let path = "\(root)/deploy/carillon.yaml"
    // It knows no other keys either: unknown ones are refused.
    try run("'\(TestCluster.program)' config check --config '\(path)'")
    let keys = Configuration.keys.map(\.path)
    let names = Set(keys.compactMap { $0.split(separator: ".").last })
    // What is only shown as a comment counts as named.
    let lines = String(decoding: try FileContents.read(path), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { line -> String in
        let indent = line.prefix { $0 == " " }
        let comment = line.dropFirst(indent.count)
        guard comment.hasPrefix("# "), let colon = comment.firstIndex(of: ":"),
          names.contains(comment[..<colon].dropFirst(2))
        else { return String(line) }
        return String(indent + comment.dropFirst(2))
      }
    let document = try YAMLDocument.parse(Array(lines.joined(separator: "\n").utf8), file: "sample")
    let missing = Set(keys).subtracting(document.root.paths(below: ""))
    #expect(missing.isEmpty, "not in the sample: \(missing.sorted())")
  }

  @Test(
    "systemd takes the units, and their commands are carillon's",
    .enabled(if: hasSystemd, "no systemd-analyze here"))
  func units() throws {
    // The programs stand elsewhere here, and the units' names tell what they instantiate.
    try run(
      """
      set -e; folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
      cp '\(root)'/deploy/systemd/* "$folder"
      sed -i -E 's#/usr/bin/carillon#\(TestCluster.program)#; s#^(Documentation|User|Group)=.*##' "$folder"/*
      cp "$folder/carillon@.service" "$folder/carillon@gateway.service"
      told=$(SYSTEMD_UNIT_PATH="$folder:" systemd-analyze verify --man=no "$folder/carillon@gateway.service" \
        "$folder/carillon-migrate.service" "$folder/carillon.target" 2>&1)
      # An unknown key is only a warning to it.
      if echo "$told" | grep carillon; then exit 1; fi
      """)
    for role in ProcessRole.allCases {
      try run("'\(TestCluster.program)' \(role.name) --config /etc/carillon/carillon.yaml --help >/dev/null")
    }
  }

  /// The services as docker-compose resolves them: anchors merged, defaults filled in.
  private func services() throws -> [(key: String, value: YAMLNode)] {
    let path = try run("mktemp")
    defer { unlink(path) }
    try run("cd '\(root)' && docker-compose config > '\(path)'")
    let document = try YAMLDocument.parse(try FileContents.read(path), file: "docker-compose config")
    return try #require(document.root["services"]).children
  }

  /// A service's variables as the whole environment of `carillon config check`.
  private func check(environment: [(key: String, value: String)], of service: String) throws {
    let variables = environment.map { "'\($0.key)=\($0.value)'" }.joined(separator: " ")
    try run("env -i \(variables) '\(TestCluster.program)' config check 2>&1")
  }
}

extension YAMLNode {
  fileprivate var children: [(key: String, value: YAMLNode)] {
    guard case .mapping(let entries) = content else { return [] }
    return entries.map { ($0.key, $0.value) }
  }

  /// The dotted paths of all mappings' keys below this node.
  fileprivate func paths(below path: String) -> [String] {
    children.flatMap { name, node in
      let own = path.isEmpty ? name : "\(path).\(name)"
      return [own] + node.paths(below: own)
    }
  }

  fileprivate var entries: [(key: String, value: String)] { children.map { ($0.key, $0.value.text ?? "") } }

  fileprivate var texts: [String] {
    guard case .sequence(let items) = content else { return [] }
    return items.compactMap(\.text)
  }
}
