import Cryptography
import Fleet
import HTTP
import Networking
import PostgreSQL
import Testing

@testable import TaskScheduler

@Suite(.timeLimit(.minutes(2)))
struct ConnectionRequestsTests {
  /// Runs rounds until as many devices as began have an outcome; returns what they came to.
  private func ask(
    _ fixture: SchedulerFixture, lane: Lane? = nil, _ change: (inout ConnectionRequestSettings) -> Void = { _ in }
  ) async throws -> [String: Int] {
    var settings = ConnectionRequestSettings()
    settings.allowsLoopback = true
    change(&settings)
    let client = try HTTPClient(loop: fixture.loop)
    let activity = ConnectionRequests(lane ?? fixture.lane, HTTPConnectionRequests(client), fixture.sealer, settings)
    var counts: [String: Int] = [:]
    func outcomes() -> Int { (counts["asked"] ?? 0) + (counts["failed"] ?? 0) }
    var begun: Int
    repeat {
      begun = counts["begun"] ?? 0
      for (name, count) in try await activity.round().counts { counts[name, default: 0] += count }
      await activity.settled()
      for (name, count) in try await activity.round().counts { counts[name, default: 0] += count }
    } while outcomes() < counts["begun"] ?? 0 || counts["begun"] ?? 0 > begun
    await activity.stop()
    await client.shutdown()
    return counts
  }

  /// A device with work behind a CPE of these manners.
  private func withCPE(
    _ manners: DigestCPE.Manners = DigestCPE.Manners(), password: String = "secret",
    _ body: (SchedulerFixture, DigestCPE.Handle, UUID128) async throws -> Void
  ) async throws {
    try await SchedulerFixture.with { fixture in
      let cpe = try await DigestCPE.start(on: fixture.loop, manners)
      let device = try await fixture.device(1, url: cpe.url)
      try await fixture.credential(device, user: "acs", password: password)
      try await fixture.task(device)
      try await body(fixture, cpe, device)
    }
  }

  @Test func `a device with work is asked with Digest, and its wake-up stays open until it informs`() async throws {
    try await withCPE { fixture, cpe, device in
      let counts = try await ask(fixture)
      #expect(counts == ["begun": 1, "asked": 1])
      let requests = try await cpe.requests()
      #expect(requests.count == 2)
      #expect(requests.allSatisfy { $0.hasPrefix("GET /cr?id=7 HTTP/1.1\r\n") })
      #expect(!requests[0].contains("Authorization"))
      #expect(requests[1].contains("Authorization: Digest"))
      #expect(try await fixture.value("SELECT failure FROM wakeup") == "")
      #expect(try await fixture.value("SELECT next_try > now() + interval '20 s' FROM wakeup") == "true")
      #expect(try await fixture.value("SELECT tries FROM wakeup") == "1")
    }
  }

  @Test func `within the interval a device is not asked again, however much new work it gets (item 183)`() async throws
  {
    try await withCPE { fixture, cpe, device in
      _ = try await ask(fixture)
      try await fixture.execute("UPDATE wakeup SET next_try = now()")
      let counts = try await ask(fixture)
      #expect(counts.isEmpty)
      #expect(try await cpe.requests().count == 2)
      #expect(try await fixture.value("SELECT next_try > now() + interval '20 s' FROM wakeup") == "true")
    }
  }

  @Test func `a device in session is not asked (item 184)`() async throws {
    try await withCPE { fixture, cpe, device in
      try await fixture.execute(
        """
        INSERT INTO session (device, id, namespace, events, authentication, last_post_at, lost_after)
        VALUES ('\(device)', gen_random_uuid(), 0, '{}', 1, now(), interval '30 s')
        """)
      let counts = try await ask(fixture)
      #expect(counts.isEmpty)
      #expect(try await cpe.accepted() == 0)
    }
  }

  @Test func `work for later does not wake a device now`() async throws {
    try await withCPE { fixture, cpe, device in
      try await fixture.execute("UPDATE task SET not_before = now() + interval '600 s'")
      let counts = try await ask(fixture)
      #expect(counts.isEmpty)
      #expect(try await fixture.value("SELECT next_try > now() + interval '500 s' FROM wakeup") == "true")
    }
  }

  @Test func `wrong credentials are recorded and put off`() async throws {
    try await withCPE(password: "other") { fixture, cpe, device in
      let counts = try await ask(fixture)
      #expect(counts == ["begun": 1, "failed": 1])
      #expect(try await fixture.value("SELECT failure FROM wakeup") == "401: wrong credentials")
      #expect(try await fixture.value("SELECT next_try > now() + interval '20 s' FROM wakeup") == "true")
    }
  }

  @Test func `a CPE that closes after its challenge is asked once more (item 182, quirk Q48)`() async throws {
    try await withCPE(DigestCPE.Manners(closesAfterChallenge: true)) { fixture, cpe, device in
      let counts = try await ask(fixture)
      #expect(counts == ["begun": 1, "asked": 1])
    }
  }

  @Test func `a challenge without qop is answered without (quirk Q49)`() async throws {
    try await withCPE(DigestCPE.Manners(offersQOP: false)) { fixture, cpe, device in
      let counts = try await ask(fixture)
      #expect(counts == ["begun": 1, "asked": 1])
      #expect(try await cpe.requests().last?.contains("qop") == false)
    }
  }

  @Test func `Basic is not answered and a redirect not followed (items 179 and 188)`() async throws {
    try await withCPE(DigestCPE.Manners(offersBasicOnly: true)) { fixture, cpe, device in
      let counts = try await ask(fixture)
      #expect(counts["failed"] == 1)
      let requests = try await cpe.requests()
      #expect(requests.allSatisfy { !$0.contains("Authorization") })
    }
    let redirect = DigestCPE.Manners(status: 302, extraHeader: "Location: http://127.0.0.1:1/\r\n")
    try await withCPE(redirect) { fixture, cpe, device in
      let counts = try await ask(fixture)
      #expect(counts["failed"] == 1)
      #expect(try await fixture.value("SELECT failure FROM wakeup").contains("302"))
      #expect(try await cpe.requests().count == 1)
    }
  }

  @Test func `a CPE that is busy, silent or away is told as such`() async throws {
    try await withCPE(DigestCPE.Manners(status: 503)) { fixture, cpe, device in
      let counts = try await ask(fixture)
      #expect(counts["failed"] == 1)
      #expect(try await fixture.value("SELECT failure FROM wakeup").contains("503"))
    }
    try await withCPE(DigestCPE.Manners(isSilent: true)) { fixture, cpe, device in
      let counts = try await ask(fixture) { $0.deadline = .milliseconds(200) }
      #expect(counts["failed"] == 1)
      #expect(try await fixture.value("SELECT failure FROM wakeup").contains("no answer"))
    }
  }

  @Test func `a URL that names another address than the device's gets not one packet`() async throws {
    try await withCPE { fixture, cpe, device in
      try await fixture.execute("UPDATE device SET peer = '198.51.100.7'")
      let counts = try await ask(fixture)
      #expect(counts["failed"] == 1)
      #expect(try await cpe.accepted() == 0)
      #expect(try await fixture.value("SELECT failure FROM wakeup").contains("another address"))
    }
  }

  @Test func `devices that all name one address are not asked at once; those put off say why`() async throws {
    try await SchedulerFixture.with { fixture in
      for number in 1...5 {
        let device = try await fixture.device(UInt64(number), url: "http://198.51.100.7:7547/", peer: "198.51.100.7")
        try await fixture.task(device)
      }
      let activity = ConnectionRequests(
        fixture.lane, WillingTransport(), fixture.sealer, ConnectionRequestSettings())
      _ = try await activity.round()
      await activity.settled()
      let counts = Dictionary(uniqueKeysWithValues: try await activity.round().counts.map { ($0.name, $0.count) })
      #expect(counts["asked"] == 2 && counts["failed"] == 3, "\(counts)")
      let failures = try await fixture.column("SELECT failure FROM wakeup WHERE failure <> ''")
      #expect(failures.count == 3 && failures.allSatisfy { $0.contains("too many connection requests") })
    }
  }

  @Test func `a process begins no more than its rate`() async throws {
    try await SchedulerFixture.with { fixture in
      for number in 1...20 {
        let device = try await fixture.device(
          UInt64(number), url: "http://198.51.100.\(number):7547/", peer: "198.51.100.\(number)")
        try await fixture.task(device)
      }
      var settings = ConnectionRequestSettings()
      settings.perSecond = 3
      let activity = ConnectionRequests(fixture.lane, WillingTransport(), fixture.sealer, settings)
      let first = try await activity.round()
      #expect(first.counts.map(\.count) == [3])
      await activity.settled()
      await activity.stop()
    }
  }

  @Test func `two schedulers never ask one device at once`() async throws {
    try await SchedulerFixture.with { fixture in
      let cpe = try await DigestCPE.start(on: fixture.loop)
      for number in 1...40 {
        let device = try await fixture.device(UInt64(number), url: cpe.url)
        try await fixture.credential(device, user: "acs", password: "secret")
        try await fixture.task(device)
      }
      // Connections of their own, and few at a time, so that their takes meet.
      async let first = ask(fixture) { $0.concurrency = 3 }
      async let second = ask(fixture, lane: fixture.claimsLane) { $0.concurrency = 3 }
      let asked = try await (first["asked"] ?? 0) + (second["asked"] ?? 0)
      #expect(asked == 40)
      #expect(try await cpe.requests().count == 80)
      #expect(try await fixture.value("SELECT max(tries) FROM wakeup") == "1")
    }
  }
}

/// CPEs that take any request at once.
private struct WillingTransport: ConnectionRequestTransport, ConnectionRequestExchange {
  func dialogue(with target: ConnectionRequestTarget) -> any ConnectionRequestExchange { self }

  func get(authorization: String?, anew: Bool, deadline: Duration) async -> ConnectionRequestAnswer {
    .response(status: 200, challenge: nil)
  }
}
