import EventLog
import Testing

@testable import Gateway

@Suite("Admission")
struct AdmissionTests {
  @Test(
    "an Inform is as urgent as its most urgent event",
    arguments: [
      (["2 PERIODIC"], SessionClass.routine), (["2 PERIODIC", "4 VALUE CHANGE"], .valueChange),
      (["1 BOOT", "M Reboot"], .boot), (["0 BOOTSTRAP", "1 BOOT"], .urgent), (["6 CONNECTION REQUEST"], .urgent),
      (["7 TRANSFER COMPLETE", "M Download"], .urgent), ([], .routine), (["X 00D09E Odd"], .routine),
    ])
  func classes(_ codes: [String], _ expected: SessionClass) {
    #expect(SessionClass(codes.map { CPEMessage.Event(code: $0) }) == expected)
  }

  @Test("the fuller it is the fewer classes are let in, and the most urgent last of all refused")
  func shares() {
    var budget = Admission.Budget()
    budget.informs = 10
    var admission = Admission(budget, seed: 1)
    func count(_ kind: SessionClass) -> Int {
      var admitted = 0
      while admission.admit(kind) { admitted += 1 }
      return admitted
    }
    #expect(count(.routine) == 7)
    #expect(count(.valueChange) == 1)
    #expect(count(.boot) == 1)
    #expect(count(.urgent) == 1)
    #expect(!admission.admitsBody(of: 1))
    admission.done(after: 1_000, now: 0)
    let seen1 = admission.admitsBody(of: 1)
    #expect(seen1)
    let seen2 = !admission.admit(.routine)
    #expect(seen2)
    let seen3 = admission.admit(.urgent)
    #expect(seen3)
  }

  @Test("what may be in flight is halved while the log takes longer than it may, once a second, and grows again after")
  func limit() {
    var admission = Admission(Admission.Budget(), seed: 1)
    for _ in 0..<1_000 { _ = admission.admit(.urgent) }
    for second in 0..<20 {
      for _ in 0..<3 { admission.done(after: 3_000_000, now: Int64(second) * 1_100_000) }
    }
    #expect(admission.limit == 40, "not below a fiftieth: how else would it be seen that the log is back")
    for _ in 0..<500 { admission.done(after: 20_000, now: 30_000_000) }
    #expect(admission.limit == 540)
    admission = Admission(Admission.Budget(), seed: 1)
    _ = admission.admit(.routine)
    admission.done(after: 3_000_000, now: 0)
    _ = admission.admit(.routine)
    admission.done(after: 20_000, now: 0)
    #expect(admission.limit == 1_000, "it grows by what fills it only")
  }

  @Test("PostgreSQL is asked for no more credentials than can be let in, and some more for what may be urgent")
  func lookUps() {
    var budget = Admission.Budget()
    budget.informs = 100
    var admission = Admission(budget, seed: 1)
    for _ in 0..<50 { _ = admission.admit(.routine) }
    func count(waiting: Int) -> Int {
      var count = 0
      while count < 100, admission.admitsLookUp(waiting: waiting + count) { count += 1 }
      return count
    }
    #expect(count(waiting: 0) == 20 + 30)
    #expect(count(waiting: 20) == 0)
    for _ in 0..<10 { admission.done(after: 1_000, now: 0) }
    #expect(count(waiting: 30) == 3, "three for ten that are done")
    #expect(count(waiting: 0) == 30)
  }

  @Test("bodies count by their bytes too")
  func bytes() {
    var budget = Admission.Budget()
    budget.bytes = 1000
    var admission = Admission(budget, seed: 1)
    #expect(admission.admitsBody(of: 1000) && !admission.admitsBody(of: 1001))
    admission.take(bytes: 700)
    let seen4 = admission.admit(.routine)
    #expect(seen4)
    admission.take(bytes: 1)
    let seen5 = !admission.admit(.routine)
    #expect(seen5)
    let seen6 = admission.admit(.valueChange)
    #expect(seen6)
    admission.take(bytes: 299)
    #expect(!admission.isFull && admission.admitsBody(of: 0) && !admission.admitsBody(of: 1))
    admission.take(bytes: 1)
    #expect(admission.isFull)
    admission.drop(bytes: 1001)
    #expect(!admission.isFull && admission.admitsBody(of: 1000))
  }

  @Test("Retry-After is spread between 30 and 600 seconds")
  func retryAfter() {
    var admission = Admission(Admission.Budget(), seed: 42)
    let idle = (0..<500).map { _ in admission.retryAfter() }
    #expect(idle.allSatisfy { (30...60).contains($0) } && Set(idle).count > 20)
    while admission.admit(.urgent) {}
    let full = (0..<500).map { _ in admission.retryAfter() }
    #expect(full.allSatisfy { (30...600).contains($0) } && (full.max() ?? 0) > 400)
  }

  @Test("while directives lag, routine sessions do not wait for work, but for one a second that probes")
  func probe() {
    var admission = Admission(Admission.Budget(), seed: 1)
    let seen7 = admission.waits(.routine, latency: nil, now: 0)
    #expect(seen7)
    let seen8 = admission.waits(.routine, latency: 1_000, now: 0)
    #expect(seen8)
    let seen9 = admission.waits(.boot, latency: 9_000_000, now: 0)
    #expect(seen9)
    let seen10 = admission.waits(.routine, latency: 9_000_000, now: 0)
    #expect(seen10)
    let seen11 = !admission.waits(.routine, latency: 9_000_000, now: 999_999)
    #expect(seen11)
    let seen12 = admission.waits(.valueChange, latency: 9_000_000, now: 1_000_000)
    #expect(seen12)
  }
}
