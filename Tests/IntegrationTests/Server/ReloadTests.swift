import Glibc
import Testing

@Suite("Certificates are exchanged while all runs", .serialized, .timeLimit(.minutes(5)))
struct ReloadTests {
  /// What the server at a port shows.
  private func subject(_ port: Int) throws -> String {
    try run(
      """
      echo | timeout 10 openssl s_client -connect 127.0.0.1:\(port) 2>/dev/null \
      | openssl x509 -noout -subject 2>/dev/null || true
      """)
  }

  /// A certificate of another name and its key in the place of those.
  private func replace(_ tls: TestCertificate) throws {
    try run(
      """
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=renewed \
      -keyout '\(tls.key)' -out '\(tls.certificate)' 2>/dev/null
      """)
  }

  @Test("SIGHUP: gateways and API show the new certificate; a file that is none changes nothing and is said")
  func certificates() async throws {
    let tls = try TestCertificate()
    defer { tls.remove() }
    let files = ", certificate_file: \(tls.certificate), key_file: \(tls.key)"
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(
        .postgresql, database: database, roles: ["gateway", "northbound"], listener: files, api: files
      ) { cluster in
        let (gateway, api) = (await cluster.server("gateway"), await cluster.server("northbound"))
        #expect(try subject(gateway.cwmp).contains("localhost") && subject(api.api).contains("localhost"))
        try replace(tls)
        #expect(try subject(gateway.cwmp).contains("localhost"), "not before it is told to")
        for server in [gateway, api] { await cluster.signal(server, SIGHUP) }
        try await cluster.eventually("both show the new one") {
          try subject(gateway.cwmp).contains("renewed") && subject(api.api).contains("renewed")
        }
        try run("echo 'no key' >'\(tls.key)'")
        for server in [gateway, api] { await cluster.signal(server, SIGHUP) }
        try await cluster.eventually("both say that they keep it") {
          let said = "not reloaded, the former settings stay"
          for role in ["gateway", "northbound"] where await cluster.logged(role, said) != 1 { return false }
          return true
        }
        #expect(try subject(gateway.cwmp).contains("renewed") && subject(api.api).contains("renewed"))
      }
    }
  }
}
