import Fleet
import Glibc
import PostgreSQL
import Testing

@testable import Northbound

@Suite("The API's policies, images and campaigns (issue items 7 and 8)", .timeLimit(.minutes(2)))
struct CampaignsAPITests {
  @Test("An image is a file of the served directory, with its size and SHA-256")
  func firmware() async throws {
    try await withDirectory { directory in
      var settings = NorthboundSettings()
      settings.filesDirectory = directory
      try await NorthboundFixture.with(settings) { api in
        let body = #"{"name":"r-2.0","file":"r.bin","version":"2.0","vendor":"Acme","models":["Router"]}"#
        let answer = try await api.send("POST", "/firmware", body)
        #expect(answer.status == 201)
        #expect(answer["size"] == .integer(3))
        #expect(answer.text("sha256") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(try await api.send("POST", "/firmware", body).status == 409)
        for file in ["../r.bin", "/etc/passwd", "none.bin", ".hidden", "link.bin", "."] {
          let escape = try await api.send(
            "POST", "/firmware", #"{"name":"x","file":"\#(file)","version":"1"}"#)
          #expect(escape.status == 422, "\(file)")
          #expect(escape.text("field") == "file")
        }
        #expect(try await api.send("DELETE", "/firmware/r-2.0").status == 204)
        #expect(try await api.send("DELETE", "/firmware/r-2.0").status == 404)
      }
    }
  }

  @Test("A campaign is made, paused, resumed, called off; its devices are counted by state")
  func campaign() async throws {
    try await withDirectory { directory in
      var settings = NorthboundSettings()
      settings.filesDirectory = directory
      try await NorthboundFixture.with(settings) { api in
        let body = #"{"name":"spring","image":"r","filter":{"oui":["00d09e"],"tags":["vip"]},"concurrency":5}"#
        let early = try await api.send("POST", "/campaigns", body)
        #expect(early.status == 422)
        #expect(early.text("field") == "image")
        _ = try await api.send("POST", "/firmware", #"{"name":"r","file":"r.bin","version":"2.0"}"#)
        let made = try await api.send("POST", "/campaigns", body)
        #expect(made.status == 201)
        #expect(made.text("state") == "running")
        #expect(made["filter", "oui"] == .array([.text("00D09E")]))
        #expect(try await api.send("POST", "/campaigns", body).status == 409)
        #expect(try await api.send("DELETE", "/firmware/r").status == 409)
        let device = try await api.device(1)
        try await api.run(
          """
          INSERT INTO campaign_device (campaign, device, state, changed_at)
          VALUES ('\(made.text("id"))', '\(device)', \(Campaign.DeviceState.failed.rawValue), now())
          """)
        #expect(try await api.send("POST", "/campaigns/spring/pause").text("state") == "paused")
        #expect(try await api.send("POST", "/campaigns/spring/pause").status == 200)
        #expect(try await api.send("POST", "/campaigns/spring/resume").text("state") == "running")
        #expect(try await api.send("POST", "/campaigns/spring/cancel").text("state") == "cancelled")
        let refused = try await api.send("POST", "/campaigns/spring/resume")
        #expect(refused.status == 409)
        #expect(refused.text("state") == "cancelled")
        let shown = try await api.send("GET", "/campaigns/\(made.text("id"))")
        #expect(shown["devices", "failed"] == .integer(1))
        #expect(shown["devices", "waiting"] == .integer(0))
        let failed = try await api.send("GET", "/campaigns/spring/devices?state=failed")
        #expect(failed.text("devices", "0", "identity") == "00D09E-Router-1")
        #expect(try await api.send("GET", "/campaigns?limit=1").text("campaigns", "0", "name") == "spring")
      }
    }
  }

  private func withDirectory(_ body: (String) async throws -> Void) async throws {
    var template = Array("/tmp/carillon-images-XXXXXX".utf8CString)
    let directory = try #require(mkdtemp(&template)).withMemoryRebound(to: CChar.self, capacity: 1) {
      String(cString: $0)
    }
    defer { _ = try? run("rm -rf '\(directory)'; echo") }
    try run("printf abc > '\(directory)/r.bin'; ln -s /etc/passwd '\(directory)/link.bin'; echo")
    try await body(directory)
  }
}
