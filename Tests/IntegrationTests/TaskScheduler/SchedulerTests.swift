import Cryptography
import EventLog
import Fleet
import HTTP
import Networking
import Synchronization
import Testing

@testable import TaskScheduler

@Suite(.timeLimit(.minutes(2)))
struct SchedulerTests {
  /// Collects what schedulers report.
  private final class Report: SchedulerReport {
    private let counts = Mutex<[String: Int]>([:])
    private let failures = Mutex<[String]>([])

    func did(_ activity: String, _ counts: [(name: String, count: Int)], took: Duration) {
      self.counts.withLock { all in for (name, count) in counts { all["\(activity).\(name)", default: 0] += count } }
    }

    func failed(_ activity: String, _ error: any Error) { failures.withLock { $0.append("\(activity): \(error)") } }

    subscript(name: String) -> Int { counts.withLock { $0[name] ?? 0 } }
    var all: [String] { failures.withLock { $0 } }
  }

  @Test func `two schedulers share all work and give their lanes back when they stop`() async throws {
    try await SchedulerFixture.with { fixture in
      let cpe = try await DigestCPE.start(on: fixture.loop)
      for number in 1...20 {
        let device = try await fixture.device(UInt64(number), url: cpe.url)
        try await fixture.credential(device, user: "acs", password: "secret")
        try await fixture.task(device)
        try await fixture.task(device, .queued, deadline: -1)
      }
      let report = Report()
      let client = try HTTPClient(loop: fixture.loop)
      var schedulers: [Scheduler] = []
      for _ in 0..<2 {
        var settings = SchedulerSettings()
        settings.connectionRequests.allowsLoopback = true
        let parts = Scheduler.Parts(
          lane: fixture.lane, claims: Claims(log: "outbox", partitions: 16, lane: fixture.claimsLane), log: fixture.log,
          transport: HTTPConnectionRequests(client), sealer: fixture.sealer, settings: settings, report: report)
        schedulers.append(try await fixture.loop.run { Scheduler(parts) })
      }
      let (one, other) = (schedulers[0], schedulers[1])
      async let first: Void = one.run()
      async let second: Void = other.run()
      let end = ContinuousClock.now + .seconds(30)
      while report["connection-requests.asked"] < 20 || report["outbox-relay.relayed"] < 20, ContinuousClock.now < end {
        try await fixture.loop.sleep(for: .milliseconds(20))
      }
      for scheduler in schedulers { await scheduler.stop() }
      _ = await (first, second)
      await client.shutdown()
      #expect(report["connection-requests.asked"] == 20)
      #expect(report["task-expiry.expired"] == 20)
      #expect(report["outbox-relay.relayed"] == 20)
      #expect(report.all.isEmpty)
      #expect(
        try await fixture.value("SELECT count(*) FROM log_claim WHERE log = 'outbox' AND owner IS NOT NULL") == "0")
      #expect(try await fixture.value("SELECT count(*) FROM log_member WHERE log = 'outbox'") == "0")
    }
  }
}
