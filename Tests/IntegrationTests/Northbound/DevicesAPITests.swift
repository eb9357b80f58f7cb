import Cryptography
import DataModel
import Fleet
import HTTP
import Networking
import PostgreSQL
import Testing

@testable import Northbound
@testable import SessionWorker

@Suite("The API's devices (issue item 9)", .timeLimit(.minutes(2)))
struct DevicesAPITests {
  @Test("Without a good token nothing is told; with one revoked neither, within moments")
  func tokens() async throws {
    try await NorthboundFixture.with { api in
      let refused = try await api.send("GET", "/devices", token: "carillon_wrong")
      #expect(refused.status == 401)
      #expect(refused.response["www-authenticate"] == "Bearer realm=\"carillon\"")
      #expect(refused.response["content-type"] == "application/problem+json")
      #expect(try await api.send("GET", "/health", token: "carillon_wrong").status == 200)
      let store = TokenStore(api.lane)
      await #expect(throws: TokenError.self) { _ = try await store.create("tests") }
      await #expect(throws: TokenError.self) { _ = try await store.create("with space") }
      let short = try await store.create("short", lifetime: .seconds(-1))
      #expect(try await api.send("GET", "/devices", token: short).status == 401)
      let other = try await store.create("other")
      #expect(try await store.revoke("other"))
      #expect(try await api.send("GET", "/devices", token: other).status == 401)
    }
  }

  @Test("Filters choose, pages follow each other and lose none")
  func list() async throws {
    try await NorthboundFixture.with { api in
      for number in 1...25 {
        try await api.device(
          number, oui: number <= 20 ? "00D09E" : "AABBCC", version: number % 2 == 0 ? "2.0" : "1.0",
          tags: number % 5 == 0 ? ["site:north", "vip"] : ["site:south"])
      }
      func count(_ query: String) async throws -> Int {
        let answer = try await api.send("GET", "/devices?\(query)")
        guard answer.status == 200, case .array(let devices) = answer["devices"] else { return -answer.status }
        return devices.count
      }
      #expect(try await count("oui=aabbcc") == 5)
      #expect(try await count("software_version=2.0&oui=00D09E") == 10)
      #expect(try await count("tag=vip") == 5)
      #expect(try await count("tag=vip&tag=site:south") == 0)
      #expect(try await count("q=AABBCC-Router-2") == 5)
      #expect(try await count("q=17") == 1)
      #expect(try await count("manufacturer=Acme&product_class=Router") == 25)
      #expect(try await count("seen_after=2020-01-01T00:00:00Z&seen_before=2999-01-01") == 25)
      #expect(try await count("seen_before=2020-01-01") == 0)
      #expect(try await count("seen_before=yesterday") == -422)
      #expect(try await count("serial=1") == -422)
      #expect(try await count("limit=1001") == -422)
      var seen: [String] = []
      var cursor = ""
      repeat {
        let page = try await api.send("GET", "/devices?limit=10&oui=00D09E&cursor=\(cursor)")
        for index in 0..<10 { seen.append(page.text("devices", String(index), "id")) }
        cursor = page.text("next_cursor")
      } while !cursor.isEmpty
      #expect(Set(seen).count == 20)
      #expect(seen == seen.sorted())
      let first = try await api.send("GET", "/devices?limit=10")
      #expect(try await count("oui=AABBCC&cursor=\(first.text("next_cursor"))") == -422)
    }
  }

  @Test("One device shows facts, contact, session, the state of its credentials and policies in trouble")
  func show() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(3)
      try await api.run(
        """
        INSERT INTO credential (device, username, secret, held_at, held_peer, held_count, changed_at)
        VALUES ('\(device)', 'cpe-3', '\\x736563726574', now(), '192.0.2.3', 2, now())
        """)
      try await api.run(
        "INSERT INTO policy (name, version, document, changed_at, changed_by) VALUES ('wifi', 2, '', now(), '')")
      try await api.run(
        """
        INSERT INTO device_policy (device, policy, version, failures, code, message, path, retry_at)
        VALUES ('\(device)', 'wifi', 2, 3, 9007, 'Invalid', 'Device.A', now()),
               ('\(device)', 'gone', 1, 1, 9000, '', '', now())
        """)
      let answer = try await api.send("GET", "/devices/\(device)")
      #expect(answer.text("identity") == "00D09E-Router-3")
      #expect(answer.text("credentials", "state") == "own")
      #expect(answer["credentials", "held_count"] == .integer(2))
      #expect(!String(decoding: answer.response.body, as: UTF8.self).contains("secret\""))
      #expect(answer["policies_in_trouble", "0", "code"] == .integer(9007))
      #expect(answer["policies_in_trouble", "1"] == nil)
      #expect(answer["session"] == .null)
      #expect(!answer.text("contact", "last_inform").isEmpty)
    }
  }

  @Test("New tags make the next Inform evaluate policies again")
  func tags() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let answer = try await api.send("PUT", "/devices/\(device)/tags", #"{"tags":["b","a","a"]}"#)
      #expect(answer.status == 200)
      #expect(answer["tags"] == .array([.text("a"), .text("b")]))
      #expect(try await api.number("SELECT touched FROM device_contact") == 1)
      #expect(try await api.number("SELECT policy_epoch FROM device_contact") == 0)
      let bad = try await api.send("PUT", "/devices/\(device)/tags", #"{"tags":["a b"]}"#)
      #expect(bad.status == 422)
      #expect(bad.text("field") == "tags[0]")
    }
  }

  @Test("Parameters come as a tree or a list, below a path, secrets masked")
  func parameters() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      var block = TwinBlock(key: "Device.")
      func element(_ name: String, _ value: TwinEntry.Value?, _ type: ParameterType?) -> TwinBlock.Element {
        var entry = TwinEntry()
        entry.value = value
        entry.type = type
        entry.valueAt = 1_700_000_000_000
        return TwinBlock.Element(name: name, entry: entry)
      }
      block = TwinBlock(
        key: "Device.",
        elements: [
          element("DeviceInfo.UpTime", .text("12"), .unsignedInt),
          element("WiFi.SSID.1.SSID", .text("home"), .string),
          element("WiFi.SSID.10.SSID", .text("ten"), .string),
          element("WiFi.AccessPoint.1.Security.KeyPassphrase", .secret(fingerprint: [1, 2]), .string),
        ])
      _ = try await api.lane.query(
        Statement("test.block", "INSERT INTO twin_block (device, path, data) VALUES ($1, 'Device.', $2)"),
        .uuid(device), .bytes(block.encode()))
      let tree = try await api.send("GET", "/devices/\(device)/parameters?path=Device.")
      let root = tree["tree", "objects", "Device", "objects"]
      guard case .object = root else {
        Issue.record("no tree")
        return
      }
      #expect(
        tree.text("tree", "objects", "Device", "objects", "DeviceInfo", "parameters", "UpTime", "value") == "12")
      #expect(
        tree.text("tree", "objects", "Device", "objects", "DeviceInfo", "parameters", "UpTime", "learned_at")
          == "2023-11-14T22:13:20.000Z")
      let list = try await api.send("GET", "/devices/\(device)/parameters?path=Device.WiFi.&view=list")
      guard case .array(let parameters) = list["parameters"] else {
        Issue.record("no list")
        return
      }
      #expect(parameters.count == 3)
      #expect(list.text("parameters", "0", "value") == "********")
      let wild = try await api.send("GET", "/devices/\(device)/parameters?path=Device.WiFi.SSID.*.SSID&view=list")
      #expect(wild.text("parameters", "1", "value") == "ten")
      #expect(try await api.send("GET", "/devices/\(device)/parameters?path=Device..A").status == 422)
    }
  }

  @Test("A held device is listed and released for a time")
  func held() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      #expect(try await api.send("POST", "/devices/\(device)/release", "{}").status == 409)
      try await api.run(
        """
        INSERT INTO credential (device, username, secret, held_at, held_peer, held_count, changed_at)
        VALUES ('\(device)', 'cpe-1', '\\x00', now(), '192.0.2.1', 1, now())
        """)
      let list = try await api.send("GET", "/held-devices")
      #expect(list.text("devices", "0", "identity") == "00D09E-Router-1")
      #expect(try await api.send("POST", "/devices/\(device)/release", #"{"for_seconds":600}"#).status == 200)
      let seconds = try await api.number("SELECT extract(epoch FROM readmit_until - now()) FROM credential")
      #expect((500...600).contains(seconds))
    }
  }

  @Test("A device whose Inform is just being folded is deleted afterwards, or not: nothing is left without it")
  func deletedMeanwhile() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      var deleted: Task<Int, any Error>?
      try await api.lane.transaction(deadline: .seconds(20)) { worker in
        _ = try await worker.query(BatchStatements.devices, .uuids([device]))
        deleted = Task { try await api.send("DELETE", "/devices/\(device)").status }
        let waits = Statement(
          "test.waits", "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")
        while try await worker.query(waits).isEmpty {}
        var writer = BatchWriter(now: 1)
        var state = DeviceState(id: device)
        state.contact = ContactRow(lastInform: 1, session: device)
        writer.write(DeviceState(id: device), state, nil)
        try await worker.pipeline(writer.calls)
      }
      #expect(try await deleted?.value == 204)
      #expect(try await api.number("SELECT count(*) FROM device_contact") == 0)
    }
  }

  @Test("A device that is at work is not deleted; else all that is known of it goes, its queued tasks too")
  func deleted() async throws {
    try await NorthboundFixture.with { api in
      let device = try await api.device(1)
      let task = try await api.send("POST", "/devices/\(device)/tasks", #"{"method":"Reboot"}"#).text("id")
      try await api.run("UPDATE task SET state = 2 WHERE id = '\(task)'")
      #expect(try await api.send("DELETE", "/devices/\(device)").status == 409)
      try await api.run("UPDATE task SET state = 1 WHERE id = '\(task)'")
      #expect(try await api.send("DELETE", "/devices/\(device)").status == 204)
      #expect(try await api.send("GET", "/devices/\(device)").status == 404)
      #expect(try await api.send("GET", "/tasks/\(task)").text("state") == "cancelled")
      #expect(try await api.number("SELECT count(*) FROM device_contact") == 0)
    }
  }
}
