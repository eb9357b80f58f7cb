import HTTP
import Networking
import PostgreSQL
import Testing

@testable import Northbound
@testable import Policy

@Suite("The API's policies (issue item 7)", .timeLimit(.minutes(2)))
struct PoliciesAPITests {
  /// The API with a language of one line: the policy's name, or `?` for a text that is wrong.
  private func with(_ body: (NorthboundFixture) async throws -> Void) async throws {
    var settings = NorthboundSettings()
    settings.readPolicy = { text, name throws(PolicyError) in
      let line = String(text.prefix { $0 != "\n" })
      if line == "?" { throw PolicyError(file: name, line: 3, column: 7, what: "it is wrong", mend: "mend it") }
      return (line, 0)
    }
    try await NorthboundFixture.with(settings, servers: 2, body)
  }

  private func put(
    _ api: NorthboundFixture, _ name: String, _ text: String, _ fields: [(name: String, value: String)] = [],
    query: String = ""
  ) async throws -> NorthboundFixture.Answer {
    try await api.send("PUT", "/policies/\(name)\(query)", text, type: "application/yaml", fields: fields)
  }

  @Test("Another text is another version and turns the epoch; the same text is no news")
  func versions() async throws {
    try await with { api in
      let epoch = try await api.number("SELECT policy_epoch FROM cluster_state")
      let first = try await put(api, "wifi", "wifi\n1")
      #expect(first.status == 201)
      #expect(first["version"] == .integer(1))
      #expect(first.response["etag"] == "\"1\"")
      #expect(try await put(api, "wifi", "wifi\n1")["version"] == .integer(1))
      #expect(try await api.number("SELECT policy_epoch FROM cluster_state") == epoch + 1)
      let second = try await put(api, "wifi", "wifi\n2")
      #expect(second.status == 200)
      #expect(second["version"] == .integer(2))
      #expect(try await api.number("SELECT policy_epoch FROM cluster_state") == epoch + 2)
      #expect(try await api.send("GET", "/policies/wifi/versions").text("versions", "1", "document") == "wifi\n1")
      #expect(try await api.send("GET", "/policies").text("policies", "0", "changed_by") == "tests")
      // A version is never used twice, for ParameterKeys tell of it.
      #expect(try await api.send("DELETE", "/policies/wifi").status == 204)
      #expect(try await api.send("GET", "/policies/wifi").status == 404)
      #expect(try await put(api, "wifi", "wifi\n3")["version"] == .integer(3))
    }
  }

  @Test("A wrong text is told with line and column, and changes nothing; a dry run neither")
  func refused() async throws {
    try await with { api in
      let wrong = try await put(api, "wifi", "?")
      #expect(wrong.status == 422)
      #expect(wrong.text("type") == "urn:carillon:problem:invalid-policy")
      #expect(wrong["line"] == .integer(3) && wrong["column"] == .integer(7))
      #expect(try await put(api, "wifi", "lan").text("field") == "name")
      #expect(try await put(api, "wifi", "wifi", query: "?dry_run=true")["valid"] == .bool(true))
      #expect(try await api.send("PUT", "/policies/wifi", "{}").status == 415)
      #expect(try await api.number("SELECT count(*) FROM policy") == 0)
    }
  }

  @Test("Who changes a policy by a tag that is not its present one is told so")
  func preconditions() async throws {
    try await with { api in
      let tag = try await put(api, "wifi", "wifi\n1", [("If-None-Match", "*")]).response["etag"] ?? ""
      #expect(try await put(api, "wifi", "wifi\n2", [("If-None-Match", "*")]).status == 412)
      #expect(try await put(api, "wifi", "wifi\n2", [("If-Match", tag)]).status == 200)
      #expect(try await put(api, "wifi", "wifi\n3", [("If-Match", tag)]).status == 412)
    }
  }

  @Test("A policy is taken out of force and put in force again, each of which turns the epoch once")
  func enabled() async throws {
    try await with { api in
      _ = try await put(api, "wifi", "wifi")
      let epoch = try await api.number("SELECT policy_epoch FROM cluster_state")
      #expect(try await api.send("POST", "/policies/wifi/disable")["enabled"] == .bool(false))
      #expect(try await api.send("POST", "/policies/wifi/disable").response["etag"] == "\"1-disabled\"")
      #expect(try await api.send("POST", "/policies/wifi/enable")["enabled"] == .bool(true))
      #expect(try await api.number("SELECT policy_epoch FROM cluster_state") == epoch + 2)
      #expect(try await api.send("POST", "/policies/lan/enable").status == 404)
    }
  }

  @Test("Writers at the same time get versions of their own")
  func race() async throws {
    try await with { api in
      let versions = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<12 { group.addTask { try await put(api, "wifi", "wifi\n\(number)").status } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(versions.filter { $0 == 201 }.count == 1)
      #expect(try await api.number("SELECT version FROM policy") == 12)
      #expect(try await api.number("SELECT count(*) FROM policy_version") == 12)
    }
  }
}
