import EventLog
import Glibc
import Networking
import Testing

@testable import Kafka

/// A broker of its own that a test may kill, over TLS and with a user.
private struct PrivateKafka {
  private let directory = "\(TestPostgreSQL.root)/.local/kafka-test-\(getpid())"

  /// Whether there is a Kafka on this machine that can be started.
  static let isAvailable = (try? run("'\(TestPostgreSQL.root)/scripts/kafka' available >/dev/null 2>&1")) != nil

  /// Starts it, or what is left of it after ``kill()``; returns its addresses.
  func start() throws -> [String] {
    try run("'\(TestPostgreSQL.root)/scripts/kafka' start --tls --sasl --dir '\(directory)' 2>/dev/null")
      .split(separator: ",").map(String.init)
  }

  func kill() throws { try run("'\(TestPostgreSQL.root)/scripts/kafka' kill --dir '\(directory)' >/dev/null 2>&1") }

  func remove() { _ = try? run("'\(TestPostgreSQL.root)/scripts/kafka' remove --dir '\(directory)' >/dev/null 2>&1") }

  func settings(_ servers: [String], password: String = "carillon") -> KafkaSettings {
    var settings = TestKafka.settings(partitions: 1)
    settings.bootstrapServers = servers
    settings.prefix = "fault-"
    settings.messageTimeout = .seconds(4)
    settings.tls = KafkaSettings.TLS(
      authorities: "\(directory)/tls/ca.pem", certificate: "\(directory)/tls/client.crt",
      key: "\(directory)/tls/client.key")
    settings.sasl = KafkaSettings.SASL(mechanism: .plain, username: "carillon", password: password)
    return settings
  }
}

@Suite(
  .enabled(if: TestKafka.isAvailable && PrivateKafka.isAvailable, "no Kafka to start: see scripts/kafka available"),
  .timeLimit(.minutes(5)), .serialized)
struct KafkaFaultTests {
  private let partition = Partition(.messages, 0)

  private func records(_ numbers: Range<Int>) -> [OutgoingRecord] {
    numbers.map {
      OutgoingRecord(partition: partition, key: [1], headers: RecordHeaders(), value: Array(String($0).utf8))
    }
  }

  @Test func `a broker that dies and comes back: nothing acknowledged is lost, producer and reader go on`() async throws
  {
    let kafka = PrivateKafka()
    defer { kafka.remove() }
    let servers = try kafka.start()
    let settings = kafka.settings(servers)
    let loop = try EventLoop(name: "kafka-test")
    _ = try await KafkaTopics.migrate(settings)
    let log = try await KafkaLog.connect(settings, on: loop)
    let reader = log.reader(on: loop)
    await reader.assign([partition: 0])
    _ = try await log.append(records(0..<100), on: loop)
    #expect(try await reader.records(100).count == 100)

    try kafka.kill()
    // Nothing is acknowledged while it is away, and whoever asks is told in bounded time.
    let asked = ContinuousClock.now
    await #expect(throws: EventLogError.self) { try await log.end(of: partition) }
    #expect(ContinuousClock.now - asked < .seconds(9), "7 s are given")
    await #expect {
      _ = try await log.append(records(100..<150), on: loop)
    } throws: { ($0 as? EventLogError)?.kind == .unavailable }
    await #expect {
      try await log.probe(written: [.messages], read: [.messages])
    } throws: { ($0 as? EventLogError)?.kind == .unavailable }

    #expect(try kafka.start() == servers)
    var acknowledged = false
    let end = ContinuousClock.now + .seconds(60)
    while !acknowledged, ContinuousClock.now < end {
      acknowledged = (try? await log.append(records(150..<200), on: loop)) != nil
    }
    #expect(acknowledged)
    try await log.probe(written: [.messages], read: [.messages])
    // Those that failed may have been appended all the same, in order and before; the others are there.
    var seen: [Int] = []
    while seen.last != 199, ContinuousClock.now < end {
      for record in try await reader.next(maximumRecords: 100, maximumBytes: 1 << 20, wait: .seconds(1))
      where !record.isHeartbeat {
        seen.append(Int(String(decoding: record.value, as: UTF8.self)) ?? -1)
      }
    }
    #expect(seen.suffix(50) == Array(150..<200)[...])
    #expect(seen.dropLast(50).allSatisfy { (100..<200).contains($0) })
    await reader.close()
    await log.shutdown()
    await loop.shutdown()
  }

  @Test func `a partition whose leader has moved tells its end, though nobody reads it here`() async throws {
    let kafka = TestKafka.Private("leaders", brokers: 3)
    defer { kafka.remove() }
    var settings = TestKafka.settings(partitions: 6)
    settings.bootstrapServers = try kafka.start()
    settings.replicationFactor = 3
    settings.minimumInSyncReplicas = 2
    let loop = try EventLoop(name: "kafka-test")
    _ = try await KafkaTopics.migrate(settings)
    let log = try await KafkaLog.connect(settings, on: loop)
    func ends() async throws -> Int {
      var asked = 0
      for part in Int32(0)..<6 where try await log.end(of: Partition(.messages, part)) == 0 { asked += 1 }
      return asked
    }
    #expect(try await ends() == 6)
    // Each is led by another broker for a while, so every partition has a new leader at some time.
    for broker in 1...3 {
      try kafka.tell("pause", broker)
      let end = ContinuousClock.now + .seconds(40)
      var found = 0
      while found < 6, ContinuousClock.now < end { found = (try? await ends()) ?? 0 }
      #expect(found == 6, "without broker \(broker)")
      try kafka.tell("resume", broker)
      try await loop.sleep(for: .seconds(5))
    }
    await log.shutdown()
    await loop.shutdown()
  }

  @Test func `a wrong password is told in bounded time and not shown`() async throws {
    let kafka = PrivateKafka()
    defer { kafka.remove() }
    let settings = kafka.settings(try kafka.start(), password: "not-the-password")
    let loop = try EventLoop(name: "kafka-test")
    await #expect {
      _ = try await KafkaLog.connect(settings, on: loop)
    } throws: { error in
      (error as? EventLogError)?.kind == .unavailable && !"\(error)".contains("not-the-password")
    }
    await loop.shutdown()
  }
}
