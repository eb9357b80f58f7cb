import CWMP
import EventLog
import Glibc
import HTTP
import Testing

@Suite("carillonctl log cat", .serialized, .timeLimit(.minutes(5)))
struct LogCatTests {
  @Test("shows a device's dialogue without its secrets", arguments: TestCluster.Log.available)
  func dialogue(_ log: TestCluster.Log) async throws {
    try await TestCluster.with(log) { cluster in
      let other = TestCPE(cluster, serial: "other")
      try await other.inform([EventStruct(.bootstrap)])
      let cpe = TestCPE(cluster, serial: "talker")
      try await cpe.provision()
      let names = #"{"names":["Device.WiFi.AccessPoint.1.Security.KeyPassphrase"]}"#
      let body = #"{"method":"GetParameterValues","arguments":\#(names)}"#
      _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: body)
      try await cpe.inform([EventStruct(.connectionRequest)])
      #expect(try await cpe.work().count == 1)

      let said = try await cluster.control("log cat --device=\(cpe.identity)")
      #expect(said.contains("inform  Inform  0 BOOTSTRAP"), "\(said)")
      #expect(said.contains("response  SetParameterValues  "))
      #expect(said.contains("<SerialNumber>talker</SerialNumber>"))
      #expect(!said.contains("<SerialNumber>other</SerialNumber>"))
      #expect(said.contains("Device.WiFi.AccessPoint.1.Security.KeyPassphrase"))
      #expect(said.contains("***") && !said.contains("value of Device.WiFi.AccessPoint.1.Security.KeyPassphrase"))

      let told = try await cluster.control("log cat --topic=directives")
      #expect(told.contains("send") && told.contains("ManagementServer.Password"), "\(told)")
      #expect(!told.contains(cpe.password))

      try await cluster.eventually("northbound is told") {
        try await cluster.control("log cat --topic=device-events --brief").contains("carillon.device.")
      }
      let brief = try await cluster.control("log cat --brief --limit=2")
      #expect(brief.split(separator: "\n").count == 3, "two and that there may be more: \(brief)")
      try await cluster.eventually("workers have folded all, and say so") {
        let parts = try await cluster.control("log parts --json")
        return parts.components(of: #""behind":0"#) == 4 && parts.components(of: #""owned":true"#) == 4
      }
      #expect(try await cluster.control("log parts").split(separator: "\n").contains { $0.contains("FOLDED  BEHIND") })
      let json = try await cluster.control("log cat --json --device=\(cpe.identity)")
      let informs = json.components(of: #""kind":"inform""#)
      #expect(informs == 4, "\(json)")
    }
  }

  @Test("an offset that is not there is told, not skipped")
  func offsets() async throws {
    try await TestCluster.with(.postgresql, roles: ["northbound"]) { cluster in
      let (status, text) = try await cluster.api("/log/messages?offset=17")
      #expect(status == .unprocessableContent && text.contains("holds the offsets 0 up to 0"), "\(text)")
      for wrong in ["part=4", "offset=-1", "limit=1001", "last=3&offset=1", "session=17", "devise=x", "bodies=no"] {
        #expect(try await cluster.api("/log/messages?\(wrong)").0 == .unprocessableContent, "\(wrong)")
      }
      #expect(try await cluster.api("/log/secrets").0 == .notFound)
      #expect(try await cluster.api("/log/messages?device=nobody").0 == .notFound)
      #expect(try await cluster.api("/log/messages?last=10").1.contains(#""records":[],"next_offset":null"#))
    }
  }
}

extension TestCluster {
  /// What `carillonctl` prints, errors too.
  func control(_ words: String) throws -> String {
    let url = "CARILLON_API_URL=http://127.0.0.1:\(server("northbound").api) CARILLON_API_TOKEN=\(Self.token)"
    let output = "\(folder)/control.txt"
    try run("env \(url) '\(Self.program)ctl' \(words) >'\(output)' 2>&1 || true")
    let descriptor = open(output, O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4 << 20)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }
}
