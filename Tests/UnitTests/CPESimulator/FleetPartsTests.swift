import CWMP
import Testing

@testable import CPESimulator

@Suite("Parts of a simulated fleet")
struct FleetPartsTests {
  @Test(
    "session retry waits are those of table 2.5, and stay at the tenth",
    arguments: [
      (UInt32(1), Int64(5_000)...10_000), (2, 10_000...20_000), (5, 80_000...160_000), (10, 2_560_000...5_120_000),
      (1_490, 2_560_000...5_120_000),
    ])
  func retry(_ n: UInt32, _ bounds: ClosedRange<Int64>) {
    #expect(RetryPolicy().bounds(ofRetry: n) == bounds)
    var random = CPESimulator.SeededRandom(seed: 1)
    #expect(bounds.contains(RetryPolicy().wait(beforeRetry: n, using: &random)))
  }

  @Test("what is due comes in the order of its time")
  func heap() {
    var heap = WakeHeap()
    var random = CPESimulator.SeededRandom(seed: 7)
    let times = (0..<500).map { _ in Int64.random(in: 0...1_000, using: &random) }
    for time in times { heap.push(.init(at: time, cpe: 0, reason: .firstBoot)) }
    var popped: [Int64] = []
    while let entry = heap.pop(dueAt: 900) { popped.append(entry.at) }
    #expect(popped == times.filter { $0 <= 900 }.sorted())
    #expect(heap.count == times.filter { $0 > 900 }.count)
  }

  @Test("percentiles are right within 3 %")
  func latency() {
    var recorder = LatencyRecorder()
    for value in 1...100_000 { recorder.record(Int64(value)) }
    for part in [0.5, 0.9, 0.99] {
      let exact = Double(100_000) * part
      #expect(abs(Double(recorder.percentile(part)) - exact) < exact * 0.035)
    }
    #expect(recorder.percentile(1) == 100_000)
    var small = LatencyRecorder()
    small.record(3)
    #expect(small.percentile(0.99) == 3)
    #expect(LatencyRecorder().percentile(0.5) == 0)
  }

  @Test("an RPC step is a POST that gets an RPC or brings its answer, from its last byte to the answer's first")
  func steps() {
    var stopwatch = StepStopwatch()
    func answer(_ wroteAt: Int64, _ firstByteAt: Int64, rpcs before: Int, _ after: Int) -> StepStopwatch.Step? {
      stopwatch.wrote(at: wroteAt)
      stopwatch.received(at: firstByteAt)
      stopwatch.received(at: firstByteAt + 50)
      return stopwatch.finished(rpcs: before, after)
    }
    #expect(answer(0, 9, rpcs: 0, 0) == nil, "the Inform")
    #expect(
      answer(100, 110, rpcs: 0, 1) == .init(microseconds: 10, isResponse: false), "the empty POST, answered with an RPC"
    )
    #expect(
      answer(200, 220, rpcs: 1, 2) == .init(microseconds: 20, isResponse: true), "a response, answered with another RPC"
    )
    #expect(answer(300, 330, rpcs: 2, 2) == .init(microseconds: 30, isResponse: true), "a response, answered with 204")
    #expect(answer(400, 440, rpcs: 2, 2) == nil, "an empty POST, answered with 204")
  }

  @Test("load takes the CPEs round and round, or each once")
  func turns() {
    var round = TurnOrder(count: 3, isOnceEach: false)
    #expect((0..<7).map { _ in round.next() } == [0, 1, 2, 0, 1, 2, 0])
    var once = TurnOrder(count: 3, isOnceEach: true)
    #expect((0..<5).map { _ in once.next() } == [0, 1, 2, nil, nil])
    var none = TurnOrder(count: 0, isOnceEach: false)
    #expect(none.next() == nil)
  }

  @Test("identities follow from the index, and back")
  func identity() {
    let identity = CPEIdentity(index: 41)
    #expect(identity.name == "00D09E-Carillon-00000042")
    #expect(CPEIdentity(serialNumber: "00000042") == identity)
    #expect(CPEIdentity(serialNumber: "00000000") == nil)
    #expect(CPEIdentity(serialNumber: "0000004x") == nil)
    #expect(identity.macAddress == "02:00:00:00:29:00")
    #expect(PasswordRule("pw-{serial}-{index}").password(of: identity) == "pw-00000042-41")
  }

  @Test(
    "URLs are split, or refused",
    arguments: [
      ("http://h", "h:80/"), ("https://h/x?y#z", "h:443/x?y"), ("http://[::1]:7547/a", "::1:7547/a"),
      ("http://h:99999/", nil), ("ftp://h/", nil), ("http:///x", nil), ("http://h?x", "h:80/?x"),
      ("http://u:p@h:8080/f", "h:8080/f"),
    ])
  func addresses(_ url: String, _ expected: String?) {
    #expect(ACSAddress(url).map { "\($0.host):\($0.port)\($0.target)" } == expected)
  }

  @Test(
    "the version is found in an image's file name",
    arguments: [
      ("http://h/fw/gateway-2.1.0.bin", "2.1.0"), ("http://h/fw2/v10.bin", "v10.bin"),
      ("http://h/a_1.2.3-r4.5.img?x", "1.2.3"),
    ])
  func imageVersion(_ url: String, _ version: String) {
    #expect(DownloadArguments(commandKey: "", fileType: "", url: url).targetVersion == version)
  }

  @Test("the queue is first in, first out")
  func queue() {
    var queue = IndexQueue()
    for item in 0..<5_000 { queue.append(item) }
    for item in 0..<4_000 { #expect(queue.popFirst() == item) }
    queue.append(9)
    #expect(queue.count == 1_001)
    for item in 4_000..<5_000 { #expect(queue.popFirst() == item) }
    #expect(queue.popFirst() == 9)
    #expect(queue.popFirst() == nil)
  }
}
