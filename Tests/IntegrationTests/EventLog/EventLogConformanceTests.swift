import EventLog
import Networking
import Testing

/// What every event log promises (docs/architecture.md, section 7), held against each implementation.
@Suite(.timeLimit(.minutes(3)))
struct EventLogConformanceTests {
  private let first = Partition(.messages, 0)
  private let second = Partition(.messages, 1)

  private func record(_ text: String, _ partition: Partition, headers: RecordHeaders = RecordHeaders())
    -> OutgoingRecord
  {
    OutgoingRecord(partition: partition, key: Array("key \(text)".utf8), headers: headers, value: Array(text.utf8))
  }

  private func records(_ range: Range<Int>, _ partition: Partition) -> [OutgoingRecord] {
    range.map { record("\($0)", partition) }
  }

  private func texts(_ records: [LogRecord]) -> [String] { records.map { String(decoding: $0.value, as: UTF8.self) } }

  @Test(arguments: LogUnderTest.available)
  func `what was appended is read in order, byte for byte, at the offsets that were told`(kind: LogUnderTest)
    async throws
  {
    try await kind.with { fixture in
      var headers = RecordHeaders()
      headers.append("kind", CollectionOfOne(1))
      headers.append("binary", [0, 255, 0])
      headers.append("kind", CollectionOfOne(2))
      let sent = (0..<1000).map { record("value \($0)", first, headers: headers) }
      let offsets = try await fixture.log.append(sent, on: fixture.loop)
      #expect(zip(offsets, offsets.dropFirst()).allSatisfy { $0 < $1 })
      let read = try await fixture.log.read(1000, from: [first: 0], on: fixture.loop)
      #expect(read.map(\.offset) == offsets)
      #expect(read.map(\.value) == sent.map(\.value))
      #expect(read.map(\.key) == sent.map(\.key))
      #expect(read.allSatisfy { $0.headers == headers && $0.partition == first })
      #expect(read.allSatisfy { $0.timestamp > 1_600_000_000_000_000 })
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `appenders side by side leave no gap, and each one's order holds`(kind: LogUnderTest) async throws {
    try await kind.with { fixture in
      let loops = try (0..<4).map { try EventLoop(name: "appender \($0)") }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (number, loop) in loops.enumerated() {
          group.addTask {
            for round in 0..<10 {
              // Both partitions in one append, in changing order: appenders must not wait for each other in a ring.
              let both = number % 2 == 0 ? [first, second] : [second, first]
              let records = both.flatMap { partition in
                (0..<10).map { record("\(number) \(round * 10 + $0)", partition) }
              }
              _ = try await fixture.log.append(records, on: loop)
            }
          }
        }
        try await group.waitForAll()
      }
      for partition in [first, second] {
        let read = try await fixture.log.read(400, from: [partition: 0], on: fixture.loop)
        #expect(read.map(\.offset) == Array(0..<400))
        for number in 0..<loops.count {
          #expect(texts(read).filter { $0.hasPrefix("\(number) ") } == (0..<100).map { "\(number) \($0)" })
        }
      }
      for loop in loops { await loop.shutdown() }
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `a reader sees a prefix at any time while others append`(kind: LogUnderTest) async throws {
    try await kind.with { fixture in
      let loop = try EventLoop(name: "appender")
      let appending = Task {
        for round in 0..<50 { _ = try await fixture.log.append(records(round * 20..<round * 20 + 20, first), on: loop) }
      }
      // Records arrive one by one, in order, without one being passed over.
      let read = try await fixture.log.read(1000, from: [first: 0], on: fixture.loop)
      #expect(texts(read) == (0..<1000).map(String.init))
      try await appending.value
      await loop.shutdown()
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `reading starts at any offset; the end is where the next record goes`(kind: LogUnderTest) async throws {
    try await kind.with { fixture in
      #expect(try await fixture.log.end(of: first) == 0)
      #expect(try await fixture.log.start(of: first) == 0)
      _ = try await fixture.log.append(records(0..<10, first), on: fixture.loop)
      let end = try await fixture.log.end(of: first)
      #expect(end == 10)
      #expect(try await fixture.log.end(of: second) == 0)
      #expect(texts(try await fixture.log.read(3, from: [first: 7], on: fixture.loop)) == ["7", "8", "9"])
      let reader = fixture.log.reader(on: fixture.loop)
      await reader.assign([first: end])
      #expect(try await reader.next(maximumRecords: 5, maximumBytes: 1 << 20, wait: .milliseconds(100)).isEmpty)
      #expect(try await fixture.log.append([record("later", first)], on: fixture.loop) == [end])
      #expect(texts(try await reader.records(1)) == ["later"])
      await reader.close()
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `an offset that is not there is told with what is there, never passed over`(kind: LogUnderTest) async throws {
    try await kind.with { fixture in
      _ = try await fixture.log.append(records(0..<10, second), on: fixture.loop)
      try await fixture.drop(second, 4)
      #expect(try await fixture.log.start(of: second) == 4)
      for missing: Int64 in [0, 3, 11] {
        await #expect {
          _ = try await fixture.log.read(1, from: [second: missing], on: fixture.loop)
        } throws: {
          ($0 as? EventLogError)?.kind == .offsetOutOfRange(second, oldest: 4, end: 10)
        }
      }
      #expect(texts(try await fixture.log.read(6, from: [second: 4], on: fixture.loop)) == (4..<10).map(String.init))
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `the largest records travel, alone where they must; a larger one is refused`(kind: LogUnderTest) async throws {
    try await kind.with { fixture in
      var generator = SystemRandomNumberGenerator()
      let value = (0..<(12 << 20) / 8).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
      let large = OutgoingRecord(partition: first, key: [], headers: RecordHeaders(), value: value)
      let empty = OutgoingRecord(partition: first, key: [], headers: RecordHeaders(), value: [])
      _ = try await fixture.log.append([empty, large, record("small", first)], on: fixture.loop)
      let reader = fixture.log.reader(on: fixture.loop)
      await reader.assign([first: 0])
      var batches: [[Int]] = []
      while batches.joined().count < 3 {
        let batch = try await reader.next(maximumRecords: 100, maximumBytes: 10_000, wait: .seconds(20))
        if batch.isEmpty { break }
        #expect(batch.allSatisfy { $0.value.count < 10 || $0.value == value })
        batches.append(batch.map(\.value.count))
      }
      #expect(Array(batches.joined()) == [0, value.count, 5])
      #expect(batches.contains([value.count]))
      await reader.close()
      let over = OutgoingRecord(
        partition: first, key: [], headers: RecordHeaders(),
        value: [UInt8](repeating: 0, count: EventLogLimits.maximumRecordBytes + 1))
      await #expect { _ = try await fixture.log.append([over], on: fixture.loop) } throws: {
        ($0 as? EventLogError)?.kind == .tooLarge
      }
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `a reader that waits is woken by an append, on the reply topic too`(kind: LogUnderTest) async throws {
    try await kind.with { fixture in
      let reply = Partition(.directives, 3)
      let reader = fixture.log.reader(on: fixture.loop)
      await reader.assign([reply: try await fixture.log.end(of: reply)])
      let next = Task { try await reader.next(maximumRecords: 10, maximumBytes: 1 << 20, wait: .seconds(60)) }
      _ = try await fixture.log.append([record("wake", reply)], on: fixture.loop)
      #expect(texts(try await next.value) == ["wake"])
      await reader.close()
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `an assignment keeps the place of some partitions and moves others`(kind: LogUnderTest) async throws {
    try await kind.with { fixture in
      _ = try await fixture.log.append(
        (0..<20).flatMap { [record("a\($0)", first), record("b\($0)", second)] }, on: fixture.loop)
      let reader = fixture.log.reader(on: fixture.loop)
      await reader.assign([first: 0])
      #expect(texts(try await reader.records(5)) == (0..<5).map { "a\($0)" })
      await reader.assign([first: 5, second: 15])
      let mixed = texts(try await reader.records(20))
      #expect(mixed.filter { $0.hasPrefix("a") } == (5..<20).map { "a\($0)" })
      #expect(mixed.filter { $0.hasPrefix("b") } == (15..<20).map { "b\($0)" })
      await reader.assign([first: 2])
      #expect(texts(try await reader.records(3)) == ["a2", "a3", "a4"])
      await reader.assign([:])
      #expect(try await reader.next(maximumRecords: 1, maximumBytes: 1, wait: .milliseconds(50)).isEmpty)
      await reader.close()
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `a partition goes from one reader of a process to another, whichever hears of it first`(kind: LogUnderTest)
    async throws
  {
    try await kind.with { fixture in
      _ = try await fixture.log.append(
        (0..<20).flatMap { [record("a\($0)", first), record("b\($0)", second)] },
        on: fixture.loop)
      let loop = try EventLoop(name: "other shard")
      let (old, new) = (fixture.log.reader(on: fixture.loop), fixture.log.reader(on: loop))
      await old.assign([first: 0, second: 0])
      #expect(try await old.records(10).count == 10)
      // The new owner begins before the old one has left; the other partition stays where it is.
      await new.assign([first: 4])
      await old.assign([second: 10])
      #expect(texts(try await new.records(16)) == (4..<20).map { "a\($0)" })
      #expect(texts(try await old.records(10)) == (10..<20).map { "b\($0)" })
      // And back, while the one that leaves has other changes; neither takes the other's from it.
      await old.assign([first: 18, second: 19])
      await new.assign([:])
      #expect(Set(texts(try await old.records(3))) == ["a18", "a19", "b19"])
      await new.assign([second: 0])
      await new.assign([:])
      _ = try await fixture.log.append([record("last", second)], on: fixture.loop)
      #expect(texts(try await old.records(1)) == ["last"])
      await new.close()
      await old.close()
      await loop.shutdown()
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `partitions of several topics are read side by side, none at the cost of another`(kind: LogUnderTest)
    async throws
  {
    try await kind.with { fixture in
      let event = Partition(.deviceEvents, 2)
      _ = try await fixture.log.append(records(0..<300, first), on: fixture.loop)
      _ = try await fixture.log.append(records(0..<5, event), on: fixture.loop)
      let reader = fixture.log.reader(on: fixture.loop)
      await reader.assign([first: 0, event: 0])
      var seen: [Partition: [String]] = [:]
      var rounds = 0
      while seen.values.reduce(0, { $0 + $1.count }) < 305, rounds < 1000 {
        rounds += 1
        for record in try await reader.next(maximumRecords: 20, maximumBytes: 1 << 20, wait: .seconds(5)) {
          seen[record.partition, default: []].append(String(decoding: record.value, as: UTF8.self))
        }
      }
      #expect(seen[first] == (0..<300).map(String.init))
      #expect(seen[event] == (0..<5).map(String.init))
      await reader.close()
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `the log says when it takes appends and can be read`(kind: LogUnderTest) async throws {
    try await kind.with { fixture in
      try await fixture.log.probe(written: Topic.allCases, read: Topic.allCases)
      for topic in Topic.allCases { #expect(fixture.log.partitionCount(of: topic) == LogUnderTest.partitions) }
    }
  }

  @Test(arguments: LogUnderTest.available)
  func `a reader that was closed refuses`(kind: LogUnderTest) async throws {
    try await kind.with { fixture in
      let reader = fixture.log.reader(on: fixture.loop)
      await reader.assign([first: 0])
      await reader.close()
      await #expect(throws: EventLogError.self) {
        try await reader.next(maximumRecords: 1, maximumBytes: 1, wait: .seconds(5))
      }
    }
  }
}
