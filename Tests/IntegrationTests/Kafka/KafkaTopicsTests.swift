import EventLog
import Networking
import Testing

@testable import Kafka

@Suite(
  .enabled(if: TestKafka.isAvailable, "no broker: scripts/kafka start, then CARILLON_TEST_KAFKA=host:port"),
  .timeLimit(.minutes(2)))
struct KafkaTopicsTests {
  @Test func `topics are made once, and a change of limits keeps what an operator set`() async throws {
    var settings = TestKafka.settings()
    #expect(try await KafkaTopics.migrate(settings).count == Topic.allCases.count)
    #expect(try await KafkaTopics.migrate(settings).isEmpty)
    try await KafkaTopics.set("flush.messages", "77", of: .messages, settings)
    settings.topics[.messages]?.retention = .seconds(3 * 86_400)
    #expect(try await KafkaTopics.migrate(settings) == ["configured topic \(settings.name(of: .messages))"])
    let configuration = try await KafkaTopics.read(.messages, settings)
    #expect(configuration["flush.messages"] == "77")
    #expect(configuration["retention.ms"] == "259200000")
    #expect(configuration["max.message.bytes"] == "16777216")
    #expect(configuration["message.timestamp.type"] == "LogAppendTime")
    try await KafkaTopics.remove(settings)
  }

  @Test func `a topic with another number of partitions is refused`() async throws {
    var settings = TestKafka.settings(partitions: 2)
    _ = try await KafkaTopics.migrate(settings)
    let made = settings
    settings.topics[.messages]?.partitions = 3
    let loop = try EventLoop(name: "kafka-test")
    let changed = settings
    await #expect {
      _ = try await KafkaLog.connect(changed, on: loop, patience: .zero)
    } throws: { error in
      guard let error = error as? EventLogError else { return false }
      return error.kind == .misconfigured && error.description.contains("has 2 partitions and should have 3")
    }
    try await KafkaTopics.remove(made)
    await loop.shutdown()
  }

  @Test func `messages get more partitions where that is asked for, and keep what is there`() async throws {
    var settings = TestKafka.settings(partitions: 2)
    _ = try await KafkaTopics.migrate(settings)
    let made = settings
    settings.topics[.messages]?.partitions = 5
    let more = settings
    await #expect(throws: EventLogError.self) { _ = try await KafkaTopics.migrate(more) }
    let done = try await KafkaTopics.migrate(more, mayGrow: true)
    #expect(done.contains { $0.hasSuffix("has 5 partitions now") }, "\(done)")
    #expect(try await KafkaTopics.migrate(more, mayGrow: true).isEmpty)
    // Who was not told that there are ranges takes the topic for another one.
    await #expect(throws: EventLogError.self) { _ = try await KafkaTopics.migrate(made) }
    let loop = try EventLoop(name: "kafka-test")
    let log = try await KafkaLog.connect(made, on: loop)
    #expect(log.partitionCount(of: .messages) == 5)
    await log.shutdown()
    try await KafkaTopics.remove(made)
    await loop.shutdown()
  }

  @Test func `a log whose topics were never made says what to run`() async throws {
    let settings = TestKafka.settings()
    let loop = try EventLoop(name: "kafka-test")
    await #expect {
      _ = try await KafkaLog.connect(settings, on: loop, patience: .zero)
    } throws: { error in
      guard let error = error as? EventLogError else { return false }
      return error.kind == .misconfigured && error.description.contains("carillon migrate")
    }
    await loop.shutdown()
  }

  @Test func `a log that is opened while its topics are being made waits for them`() async throws {
    let settings = TestKafka.settings()
    let loop = try EventLoop(name: "kafka-test")
    async let opened = KafkaLog.connect(settings, on: loop)
    _ = try await KafkaTopics.migrate(settings)
    let log = try await opened
    #expect(log.partitionCount(of: .messages) == 2)
    await log.shutdown()
    try await KafkaTopics.remove(settings)
    await loop.shutdown()
  }
}
