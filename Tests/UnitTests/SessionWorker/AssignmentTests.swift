import Testing

@testable import EventLog
@testable import SessionWorker

@Suite("What a shard has read of its partitions and not committed")
struct AssignmentTests {
  private let now = ContinuousClock.now

  private func record(_ part: Int32, _ offset: Int64, bytes: [UInt8] = [1]) -> LogRecord {
    LogRecord(
      partition: Partition(.messages, part), offset: offset, timestamp: 0, key: [], headers: RecordHeaders(),
      value: bytes)
  }

  private func claim(_ part: Int32, epoch: Int64 = 1, at offset: Int64 = 0, starts: Int32 = 0) -> Claim {
    Claim(part: part, epoch: epoch, nextOffset: offset, starts: starts)
  }

  private func assignment(_ claims: Claim...) -> Assignment {
    var assignment = Assignment()
    assignment.begin(Dictionary(uniqueKeysWithValues: claims.map { ($0.part, $0) }))
    return assignment
  }

  private func moves(_ take: Assignment.Take) -> [String] {
    take.moves.map { "\($0.claim.part): \($0.claim.nextOffset) to \($0.to)" }
  }

  @Test func `a batch begins where its claim stands, also after one that was not committed`() throws {
    var assignment = assignment(claim(0, at: 100), claim(1, at: 7))
    try assignment.read((100..<111).map { record(0, $0) } + [record(1, 7)])
    let first = assignment.take(256, from: assignment.ready)
    #expect(moves(first) == ["0: 100 to 111", "1: 7 to 8"])
    #expect(assignment.reading == [Partition(.messages, 0): 111, Partition(.messages, 1): 8])
    // Not committed: the same records again, not what was read after them.
    try assignment.read((111..<120).map { record(0, $0) })
    #expect(moves(assignment.take(256, from: assignment.ready)) == ["0: 100 to 120", "1: 7 to 8"])
    assignment.committed(first)
    #expect(moves(assignment.take(256, from: assignment.ready)) == ["0: 111 to 120"])
  }

  @Test func `what fails drops all that was read: reading goes on from the claims as PostgreSQL has them (P1)`() throws
  {
    var assignment = assignment(claim(0, at: 100))
    try assignment.read((100..<111).map { record(0, $0) })
    assignment.dropAll()
    #expect(assignment.reading.isEmpty && assignment.ready.isEmpty)
    // The reader gives more before it has heard of it.
    try assignment.read((111..<367).map { record(0, $0) })
    #expect(assignment.ready.isEmpty)
    assignment.begin([0: claim(0, at: 100)])
    #expect(assignment.reading == [Partition(.messages, 0): 100])
  }

  @Test func `a record before what was read is a fault of the reader; a gap, as Kafka has them, is none`() throws {
    var assignment = assignment(claim(0, at: 100))
    try assignment.read([record(0, 100), record(0, 105)])
    #expect(throws: OutOfOrder.self) { try assignment.read([record(0, 105)]) }
    #expect(moves(assignment.take(256, from: [0])) == ["0: 100 to 106"])
  }

  @Test func `a claim with another epoch begins anew; what was read under one that stays is kept`() throws {
    var assignment = assignment(claim(0), claim(1), claim(2))
    try assignment.read([record(0, 0), record(1, 0), record(2, 0)])
    assignment.begin([0: claim(0), 1: claim(1, epoch: 2)])
    #expect(moves(assignment.take(256, from: assignment.ready)) == ["0: 0 to 1"])
    #expect(assignment.reading == [Partition(.messages, 0): 1, Partition(.messages, 1): 0])
  }

  @Test func `a batch ends at its limit, at its weight, and before a record that stops it`() throws {
    var assignment = assignment(claim(0), claim(1))
    try assignment.read((0..<300).map { record(0, $0) } + [record(1, 0), record(1, 1)])
    #expect(assignment.take(256, from: assignment.ready).records.count == 256)
    #expect(moves(assignment.take(4, from: [1, 0])) == ["1: 0 to 2", "0: 0 to 2"])
    #expect(moves(assignment.take(256, from: [0, 1]) { $0.offset == 1 }) == ["0: 0 to 1", "1: 0 to 1"])
  }

  @Test func `a large record is a batch of its own; a deflated one counts as what it may become`() throws {
    let large = [UInt8](repeating: 0, count: Assignment.largeRecord + 1)
    let deflated = [2] + [UInt8](repeating: 0, count: Assignment.largeRecord / 16)
    for bytes in [large, deflated] {
      var assignment = assignment(claim(0))
      try assignment.read([record(0, 0), record(0, 1, bytes: bytes), record(0, 2)])
      for expected in ["0: 0 to 1", "0: 1 to 2", "0: 2 to 3"] {
        let take = assignment.take(256, from: [0])
        #expect(moves(take) == [expected])
        assignment.committed(take)
      }
    }
  }

  @Test func `after a failure another partition comes first`() throws {
    var assignment = assignment(claim(0), claim(1))
    let claims = [Int32(0): claim(0), 1: claim(1)]
    var first: [Int32] = []
    for _ in 0..<2 {
      try assignment.read([record(0, 0), record(1, 0)])
      first.append(try #require(assignment.ready.first))
      assignment.dropAll()
      assignment.begin(claims)
    }
    #expect(first == [0, 1])
  }

  @Test func `a parked partition is not read until its time is over; the others are`() throws {
    var assignment = assignment(claim(0), claim(1))
    assignment.park(0, until: now + .seconds(60))
    assignment.unpark(at: now + .seconds(59))
    #expect(assignment.reading.keys.map(\.number) == [1])
    assignment.dropAll()
    assignment.begin([0: claim(0), 1: claim(1)])
    #expect(assignment.reading.keys.map(\.number) == [1], "whoever claims it meanwhile")
    assignment.unpark(at: now + .seconds(60))
    #expect(assignment.reading.count == 2)
  }

  // MARK: - Suspects

  @Test func `what a probe dies of is halved to the record at fault, which is buried at the second death (P7)`() throws
  {
    var assignment = assignment(claim(0, starts: 2), claim(1))
    try assignment.read((0..<8).map { record(0, $0) } + [record(1, 0)])
    #expect(assignment.ready == [1], "the others do not wait for it")
    #expect(assignment.reading.keys.map(\.number) == [1], "no more of it is read meanwhile")
    var probed: [String] = []
    var buried: String?
    while buried == nil, let take = assignment.nextProbe(at: now), probed.count < 20 {
      probed += moves(take)
      let dies = take.records.contains { $0.offset == 5 }
      buried = assignment.probed(take, dies ? .died("SIGILL") : .survived, at: now)
      if buried != nil {
        assignment.committed(take)
      } else if !dies {
        assignment.committed(assignment.take(256, from: [0]))
      }
    }
    #expect(
      probed == [
        "0: 0 to 8", "0: 0 to 4", "0: 4 to 8", "0: 4 to 6", "0: 4 to 5", "0: 5 to 8", "0: 5 to 6", "0: 5 to 6",
      ])
    #expect(buried == "it crashed the worker: SIGILL")
    let rest = try #require(assignment.nextProbe(at: now), "what follows may be of the same kind")
    #expect(moves(rest) == ["0: 6 to 8"])
    #expect(assignment.probed(rest, .survived, at: now) == nil)
    #expect(assignment.ready == [0, 1])
    #expect(assignment.nextProbe(at: now) == nil)
  }

  @Test func `an undecided probe rests two seconds; one of a claim that has gone says nothing`() throws {
    var assignment = assignment(claim(0, starts: 2))
    try assignment.read([record(0, 0)])
    let take = try #require(assignment.nextProbe(at: now))
    #expect(assignment.probed(take, .undecided("it took too long"), at: now) == nil)
    #expect(assignment.nextProbe(at: now + .milliseconds(1999)) == nil)
    #expect(assignment.nextProbe(at: now + .seconds(2)) != nil)
    assignment.begin([0: claim(0, epoch: 2, starts: 3)])
    try assignment.read([record(0, 0)])
    for _ in 0..<2 { #expect(assignment.probed(take, .died("SIGILL"), at: now) == nil) }
    #expect(assignment.ready.isEmpty)
  }
}
