import CWMP
import Glibc
import HTTP
import Testing

@Suite("Files that operators write", .serialized, .timeLimit(.minutes(5)))
struct CommandTests {
  /// Writes a file into the cluster's folder; gives its path.
  private func write(_ cluster: TestCluster, _ name: String, _ text: String, mode: String = "600") throws -> String {
    let path = "\(cluster.folder)/\(name)"
    try run("printf '\(text)' >'\(path)' && chmod \(mode) '\(path)'")
    return path
  }

  /// What `carillon credentials import FILE` says, also where it refuses.
  private func importing(_ cluster: TestCluster, _ path: String) async throws -> String {
    let configuration = "\(cluster.folder)/\(await cluster.server("gateway").operations).yaml"
    let command = "'\(TestCluster.program)' credentials import --config '\(configuration)' '\(path)'"
    return try run("said=$(\(command) 2>&1); echo $said")
  }

  @Test("credentials are imported from files with either line end, and from none that others can read")
  func credentials() async throws {
    try await TestCluster.with(.postgresql, roles: ["worker", "gateway"]) { cluster in
      let lines = "# two devices\\r\\n00D09E,Box,one,first\\r\\n00d09e,Box,two,second\\r\\n"
      let open = try write(cluster, "open", lines, mode: "644")
      #expect(try await importing(cluster, open).contains("mode 0644"))
      #expect(try await importing(cluster, try write(cluster, "windows", lines)) == "imported 2 credentials")
      for (serial, password) in [("one", "first"), ("two", "second")] {
        let cpe = TestCPE(cluster, serial: serial)
        (cpe.user, cpe.password) = (cpe.identity, password)
        #expect(try await cpe.inform().status == .ok)
      }
      let broken = try write(cluster, "broken", "00D09E,Box,one,first\\n00D09E,Box,two\\n")
      #expect(try await importing(cluster, broken).contains("line 2"))
    }
  }

  @Test(
    "the token file's token is good, and no other of its name: a new one replaces it, one that others read is refused")
  func tokenFile() async throws {
    try await TestCluster.with(.postgresql, roles: ["northbound"]) { cluster in
      #expect(try await cluster.api("/devices").0 == .ok)
      let northbound = await cluster.server("northbound")
      _ = try write(cluster, "token", "another-token-0123456789")
      #expect(try await cluster.restart(northbound) == 0)
      #expect(try await cluster.api("/devices").0 == .unauthorized)
      // Without the file the token stays, which is said.
      try run("rm '\(cluster.folder)/token'")
      #expect(try await cluster.restart(await cluster.server("northbound")) == 0)
      #expect(await cluster.logged("northbound", "the token file is gone") == 1)
      // And nothing is served with one that others can read, or that is empty.
      for (text, mode, said) in [("a-third-token-0123456789", "644", "mode 0644"), ("", "600", "is empty")] {
        _ = try write(cluster, "token", text, mode: mode)
        #expect(try await cluster.stop(await cluster.server("northbound")) == 0)
        let refused = try await cluster.start("northbound", awaited: false)
        var status: Int32 = 0
        try await cluster.eventually("it ends") { waitpid(refused.pid, &status, WNOHANG) == refused.pid }
        await cluster.forget(refused)
        #expect(status >> 8 == 1)
        #expect(await cluster.logged("northbound", said) > 0)
        _ = try write(cluster, "token", TestCluster.token)
        try await cluster.start("northbound")
      }
      #expect(try await cluster.api("/devices").0 == .ok)
    }
  }
}
