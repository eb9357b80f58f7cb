import EventLog
import Networking
import Testing

@testable import Kafka

@Suite(
  .enabled(if: TestKafka.isAvailable, "no broker: scripts/kafka start, then CARILLON_TEST_KAFKA=host:port"),
  .timeLimit(.minutes(2)))
struct KafkaLogTests {
  private func record(
    _ text: String, _ partition: Partition = Partition(.messages, 0), headers: RecordHeaders = RecordHeaders()
  ) -> OutgoingRecord {
    OutgoingRecord(partition: partition, key: Array("key-\(text)".utf8), headers: headers, value: Array(text.utf8))
  }

  private func texts(_ records: [LogRecord]) -> [String] { records.map { String(decoding: $0.value, as: UTF8.self) } }

  @Test func `what was appended is read in order, byte for byte, with its key and headers`() async throws {
    try await TestKafka.withLog { log, loop, _ in
      var headers = RecordHeaders()
      headers.append("kind", CollectionOfOne(1))
      headers.append("binary", [0, 255, 0])
      headers.append("empty", [])
      headers.append("kind", CollectionOfOne(2))
      let sent = (0..<500).map { record("value \($0)", headers: headers) }
      let offsets = try await log.append(sent, on: loop)
      #expect(offsets == offsets.sorted())
      let read = try await log.read(500, from: [Partition(.messages, 0): offsets[0]], on: loop)
      #expect(texts(read) == (0..<500).map { "value \($0)" })
      #expect(read.map(\.offset) == offsets)
      #expect(read[0].headers == headers)
      #expect(read[0].key == Array("key-value 0".utf8))
      #expect(read[0].timestamp > 1_600_000_000_000_000)
    }
  }

  @Test func `lag tools see how far partitions are done`() async throws {
    try await TestKafka.withLog { log, loop, settings in
      let partition = Partition(.messages, 1)
      _ = try await log.append((0..<7).map { record("\($0)", partition) }, on: loop)
      log.note(done: [partition: 4])
      // Kafka's own tool; its home is where the broker's is.
      let home = "${KAFKA_HOME:-\(TestPostgreSQL.root)/../shared/kafka}"
      var seen = ""
      let end = ContinuousClock.now + .seconds(60)
      while !seen.contains(" 1 4 7 3 "), ContinuousClock.now < end {
        seen = try run(
          """
          java -cp "\(home)/libs/*" org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --describe \
          --bootstrap-server \(TestKafka.servers[0]) --group \(settings.prefix)\(settings.group) 2>&1 \
          | tr -s ' \\n' ' '
          """)
      }
      #expect(seen.contains(" 1 4 7 3 "), "partition, done, end, lag: \(seen)")
    }
  }

  @Test func `an empty value and an empty key are legal`() async throws {
    try await TestKafka.withLog { log, loop, _ in
      let empty = OutgoingRecord(partition: Partition(.directives, 1), key: [], headers: RecordHeaders(), value: [])
      let offsets = try await log.append([empty], on: loop)
      let read = try await log.read(1, from: [Partition(.directives, 1): offsets[0]], on: loop)
      #expect(read.count == 1)
      #expect(read[0].value.isEmpty && read[0].key.isEmpty)
    }
  }

  @Test func `the largest record travels, and a larger one is refused at once`() async throws {
    try await TestKafka.withLog { log, loop, _ in
      let partition = Partition(.messages, 0)
      // Bytes that do not compress.
      var generator = SystemRandomNumberGenerator()
      let value = (0..<EventLogLimits.maximumRecordBytes / 8).flatMap { _ in
        withUnsafeBytes(of: generator.next()) { Array($0) }
      }
      var large = OutgoingRecord(partition: partition, key: [], headers: RecordHeaders(), value: value)
      let offsets = try await log.append([large], on: loop)
      let read = try await log.read(1, from: [partition: offsets[0]], on: loop)
      #expect(read.first?.value == value)
      large.value = [UInt8](repeating: 0, count: EventLogLimits.maximumRecordBytes + 1)
      let tooLarge = large
      await #expect { _ = try await log.append([tooLarge], on: loop) } throws: {
        ($0 as? EventLogError)?.kind == .tooLarge
      }
    }
  }

  @Test func `an offset that is not there is told with what is there`() async throws {
    try await TestKafka.withLog { log, loop, settings in
      let partition = Partition(.messages, 1)
      _ = try await log.append((0..<10).map { record("\($0)", partition) }, on: loop)
      try await KafkaTopics.deleteRecords(partition, before: 4, settings)
      #expect(try await log.start(of: partition) == 4)
      #expect(try await log.end(of: partition) == 10)
      for missing: Int64 in [0, 3, 11] {
        await #expect {
          _ = try await log.read(1, from: [partition: missing], on: loop)
        } throws: { error in
          (error as? EventLogError)?.kind == .offsetOutOfRange(partition, oldest: 4, end: 10)
        }
      }
      #expect(texts(try await log.read(6, from: [partition: 4], on: loop)) == (4..<10).map { "\($0)" })
    }
  }

  @Test func `a reader goes on where it was for partitions that keep their position, and moves the others`()
    async throws
  {
    try await TestKafka.withLog { log, loop, _ in
      let first = Partition(.messages, 0)
      let second = Partition(.messages, 1)
      _ = try await log.append((0..<20).map { record("a\($0)", first) }, on: loop)
      _ = try await log.append((0..<20).map { record("b\($0)", second) }, on: loop)
      let reader = log.reader(on: loop)
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

  @Test func `a reader that waits is woken by an append`() async throws {
    try await TestKafka.withLog { log, loop, _ in
      let partition = Partition(.directives, 0)
      let reader = log.reader(on: loop)
      await reader.assign([partition: try await log.end(of: partition)])
      async let next = reader.next(maximumRecords: 10, maximumBytes: 1 << 20, wait: .seconds(30))
      _ = try await log.append([record("wake", partition)], on: loop)
      #expect(texts(try await next) == ["wake"])
      await reader.close()
    }
  }

  @Test func `records come within the limits asked for, a larger one alone`() async throws {
    try await TestKafka.withLog { log, loop, _ in
      let partition = Partition(.messages, 0)
      let sizes = [100, 100, 5000, 100]
      _ = try await log.append(
        sizes.map {
          OutgoingRecord(
            partition: partition, key: [], headers: RecordHeaders(), value: [UInt8](repeating: 7, count: $0))
        }, on: loop)
      let reader = log.reader(on: loop)
      await reader.assign([partition: 0])
      var batches: [[Int]] = []
      while batches.joined().count < 4 {
        let batch = try await reader.next(maximumRecords: 10, maximumBytes: 1000, wait: .seconds(5))
        guard !batch.isEmpty else { break }
        batches.append(batch.map(\.value.count))
      }
      #expect(Array(batches.joined()) == sizes)
      #expect(batches.contains([5000]))
      await reader.close()
    }
  }

  @Test func `a partition that nobody drains does not hold up another reader's`() async throws {
    try await TestKafka.withLog { log, loop, _ in
      let full = Partition(.messages, 0)
      let live = Partition(.messages, 1)
      let idle = log.reader(on: loop)
      await idle.assign([full: 0])
      _ = try await log.append((0..<20_000).map { record("\($0)", full) }, on: loop)
      _ = try await log.append([record("through", live)], on: loop)
      #expect(texts(try await log.read(1, from: [live: 0], on: loop)) == ["through"])
      var count = 0
      while count < 20_000 {
        let batch = try await idle.next(maximumRecords: 1000, maximumBytes: 1 << 20, wait: .seconds(5))
        guard let first = batch.first else { break }
        #expect(first.offset == Int64(count))
        count += batch.count
      }
      #expect(count == 20_000)
      await idle.close()
    }
  }

  @Test func `a producer that failed for good is replaced and what was not acknowledged goes out again, in order`()
    async throws
  {
    try await TestKafka.withLog { log, loop, _ in
      let partition = Partition(.messages, 0)
      async let before = log.append((0..<1000).map { record("\($0)", partition) }, on: loop)
      await log.injectFatalError()
      async let after = log.append((1000..<1100).map { record("\($0)", partition) }, on: loop)
      let acknowledged = try await before + after
      #expect(acknowledged.count == 1100)
      let end = try await log.end(of: partition)
      let read = texts(try await log.read(Int(end), from: [partition: 0], on: loop))
      var seen: Set<String> = []
      let firsts = read.filter { seen.insert($0).inserted }
      #expect(firsts.count == 1100)
      #expect(firsts.filter { Int($0) ?? 0 < 1000 } == (0..<1000).map { "\($0)" })
    }
  }

  @Test func `appends from another loop are completed there`() async throws {
    try await TestKafka.withLog { log, loop, _ in
      let other = try EventLoop(name: "kafka-other")
      _ = try await log.append((0..<100).map { record("\($0)") }, on: other)
      #expect(try await log.end(of: Partition(.messages, 0)) == 100)
      await log.shutdown()
      await other.shutdown()
    }
  }

  @Test func `a probe is acknowledged by the brokers, and its heartbeat is told from other records`() async throws {
    try await TestKafka.withLog { log, loop, _ in
      let partition = Partition(.messages, 0)
      try await log.probe(written: [.messages, .directives], read: [.messages])
      #expect(try await log.end(of: partition) == 1)
      _ = try await log.append([record("after", partition)], on: loop)
      let records = try await log.read(2, from: [partition: 0], on: loop)
      #expect(records.map(\.isHeartbeat) == [true, false])
      #expect(texts([records[1]]) == ["after"])
    }
  }

  @Test func `after shutdown appends and reads fail at once`() async throws {
    try await TestKafka.withLog { log, loop, _ in
      await log.shutdown()
      await #expect {
        _ = try await log.append([record("late")], on: loop)
      } throws: { ($0 as? EventLogError)?.kind == .stopped }
    }
  }
}
