import Glibc
import HTTP
import PostgreSQL
import Testing

@testable import Northbound
@testable import Policy

@Suite("carillonctl, the operator's command line (issue item 9)", .timeLimit(.minutes(2)))
struct CarillonControlTests {
  struct Outcome {
    var status: Int32
    var output: String
  }

  /// Runs the built program; standard error goes into the output too.
  private func control(_ words: String, _ api: NorthboundFixture? = nil, input: String = "") throws -> Outcome {
    let url = api.map { String($0.base.dropLast("/api/v1".count)) } ?? "http://127.0.0.1:1"
    let environment = "HOME=/nonexistent CARILLON_API_URL='\(url)' CARILLON_API_TOKEN='\(api?.token ?? "none")'"
    let command = "printf '%s' '\(input)' | env \(environment) '\(try Self.program())' \(words) 2>&1"
    let pipe = try #require(popen(command, "r"))
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&chunk, 1, chunk.count, pipe)
      if count == 0 { break }
      output += chunk[..<count]
    }
    return Outcome(status: pclose(pipe) >> 8 & 0xFF, output: String(decoding: output, as: UTF8.self))
  }

  /// The program beside the tests' own.
  private static func program() throws -> String {
    let candidates = (CommandLine.arguments + ["/proc/self/exe"]).compactMap { path -> String? in
      guard let real = realpath(path, nil) else { return nil }
      defer { free(real) }
      return String(cString: real)
    }
    let folders = candidates.map { $0.split(separator: "/").dropLast().map { "/\($0)" }.joined() }
    let found = (folders + ["\(TestPostgreSQL.root)/.build/debug"]).map { "\($0)/carillonctl" }
    return try #require(found.first { access($0, X_OK) == 0 })
  }

  @Test("Misuse is 64, an API that is not there 69, no token 78, a refusal 1 with the problem's words")
  func exitCodes() async throws {
    #expect(try control("devices lsit").status == 64)
    #expect(try control("set DEVICE").status == 64)
    #expect(try control("set DEVICE Device.A").output.contains("is not PATH=VALUE"))
    #expect(try control("devices list").status == 69)
    #expect(try control("--help").status == 0)
    let bare = "env -i HOME=/nonexistent '\(try Self.program())' devices list >/dev/null 2>&1; echo $?"
    #expect(try run(bare) == "78")
    try await NorthboundFixture.with { api in
      let refused = try control("devices show nobody", api)
      #expect(refused.status == 1)
      #expect(refused.output.contains("no device has the id or identity 'nobody'"))
    }
  }

  @Test("Devices come as a table for people and as JSON for scripts")
  func devices() async throws {
    try await NorthboundFixture.with { api in
      for number in 1...3 { try await api.device(number) }
      let table = try control("devices list --limit=2", api)
      #expect(table.status == 0)
      #expect(table.output.contains("IDENTITY         MANUFACTURER"))
      #expect(table.output.contains("00D09E-Router-2"))
      #expect(table.output.contains("There are more"))
      let json = try control("devices list --limit=0 --json", api)
      guard case .array(let items) = try JSONValue.parse(Array(json.output.utf8)) else {
        Issue.record("no array: \(json.output)")
        return
      }
      #expect(items.count == 3)
      #expect(try control("devices tag 00D09E-Router-1 vip", api).status == 0)
      #expect(try control("devices tag --add 00D09E-Router-1 site:north", api).output.contains("site:north, vip"))
      #expect(try control("devices show 00D09E-Router-1", api).output.contains("contact.last_inform"))
    }
  }

  @Test("A policy's name is found in its document, and settings in their file, whatever ends the lines")
  func lineEnds() async throws {
    var settings = NorthboundSettings()
    settings.readPolicy = { _, name throws(PolicyError) in (name, 0) }
    try await NorthboundFixture.with(settings) { api in
      for end in ["\n", "\r\n"] {
        let put = try control("policies put -", api, input: "# ours\(end)name: wifi # of homes\(end)version: 1\(end)")
        #expect(put.status == 0 && put.output.contains("wifi version"), "\(put.output)")
      }
      let home = try run("mktemp -d")
      defer { _ = try? run("rm -r '\(home)'") }
      let url = api.base.dropLast("/api/v1".count)
      try run(
        """
        mkdir '\(home)/.config' && umask 077 && \
        printf 'url: \(url)\\r\\ntoken: \(api.token)\\r\\n' >'\(home)/.config/carillonctl'
        """)
      #expect(try run("env -i HOME='\(home)' '\(try Self.program())' devices list --json") == "[]")
    }
  }

  @Test("Friendly forms queue what they say; --wait tells by its code what became of it")
  func tasks() async throws {
    try await NorthboundFixture.with { api in
      try await api.device(1)
      let set = try control(
        "set 00D09E-Router-1 Device.A.B=x=y Device.A.C:unsignedInt=3 Device.A.Password=@-", api, input: "s3cret\n")
      #expect(set.status == 0)
      let arguments = try await api.lane.query(Statement("test.arguments", "SELECT arguments::text FROM task"))
      #expect(
        try arguments[0].text(0) == """
          {"parameters":[{"name":"Device.A.B","value":"x=y"},\
          {"name":"Device.A.C","type":"xsd:unsignedInt","value":"3"},\
          {"name":"Device.A.Password","value":"s3cret"}]}
          """)
      let waiting = try control("reboot 00D09E-Router-1 --wait --timeout=1", api)
      #expect(waiting.status == 75)
      let task = String(try control("factory-reset 00D09E-Router-1", api).output.prefix(36))
      #expect(try control("tasks cancel \(task)", api).status == 0)
      #expect(try control("tasks wait \(task)", api).status == 1)
      let list = try control("tasks list 00D09E-Router-1 --state=live", api)
      #expect(list.output.contains("SetParameterValues"), "\(list.output)")
      #expect(list.output.contains("Reboot"))
      #expect(!list.output.contains("FactoryReset"))
    }
  }
}
