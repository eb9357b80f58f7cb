import EventLog
import Glibc
import Networking

@testable import Kafka

/// The broker that tests use: `CARILLON_TEST_KAFKA` names it (`scripts/kafka start` prints the address; `scripts/test`
/// does both). Each test has topics of its own.
enum TestKafka {
  static let servers: [String] =
    getenv("CARILLON_TEST_KAFKA").map { value in
      String(cString: value).split(separator: ",").map(String.init)
    } ?? []

  static var isAvailable: Bool { !servers.isEmpty }

  /// A broker for one test that does bad things to it.
  struct Private {
    private let folder: String
    private let brokers: Int
    /// Ports of proxies that clients are sent to, a broker each.
    private let advertised: [Int]
    private var arguments: String { "--dir '\(folder)' 2>/dev/null" }

    init(_ name: String = "private", brokers: Int = 1, advertised: [Int] = []) {
      folder = "\(TestPostgreSQL.root)/.local/kafka-\(name)-\(getpid())"
      self.brokers = brokers
      self.advertised = advertised
    }

    /// Starts it, or what is left of it after ``kill()``; returns its addresses.
    @discardableResult
    func start() throws -> [String] {
      var command = "'\(TestPostgreSQL.root)/scripts/kafka' start --brokers \(brokers)"
      if !advertised.isEmpty { command += " --advertise \(advertised.map(String.init).joined(separator: ","))" }
      return try run("\(command) \(arguments)").split(separator: ",").map(String.init)
    }

    /// `kill`, `pause` or `resume` to one of several brokers.
    func tell(_ verb: String, _ broker: Int) throws {
      try run("'\(TestPostgreSQL.root)/scripts/kafka' \(verb) \(broker) \(arguments) >/dev/null")
    }

    func kill() throws { try run("'\(TestPostgreSQL.root)/scripts/kafka' kill \(arguments) >/dev/null") }
    func remove() { _ = try? run("'\(TestPostgreSQL.root)/scripts/kafka' remove \(arguments) >/dev/null") }
  }

  /// Settings with topics that no other test has.
  static func settings(partitions: Int32 = 2) -> KafkaSettings {
    var settings = KafkaSettings(bootstrapServers: servers)
    settings.prefix = "test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))-"
    for topic in Topic.allCases { settings.topics[topic]?.partitions = partitions }
    settings.replicationFactor = 1
    settings.minimumInSyncReplicas = 1
    settings.allowsFewReplicas = true
    return settings
  }

  /// Runs `body` with a log on fresh topics, which are removed afterwards whatever happens.
  static func withLog(
    partitions: Int32 = 2, _ body: (KafkaLog, EventLoop, KafkaSettings) async throws -> Void
  ) async throws {
    let settings = settings(partitions: partitions)
    let loop = try EventLoop(name: "kafka-test")
    _ = try await KafkaTopics.migrate(settings)
    do {
      let log = try await KafkaLog.connect(settings, on: loop)
      do {
        try await body(log, loop, settings)
      } catch {
        await log.shutdown()
        throw error
      }
      await log.shutdown()
    } catch {
      try await KafkaTopics.remove(settings)
      await loop.shutdown()
      throw error
    }
    try await KafkaTopics.remove(settings)
    await loop.shutdown()
  }
}

extension EventLog {
  /// Appends one after the other in one turn of the loop and waits for all acknowledgements.
  func append(_ records: [OutgoingRecord], on loop: EventLoop) async throws -> [Int64] {
    let results: [Result<Int64, EventLogError>] = await withCheckedContinuation { continuation in
      loop.post {
        let producer = self.producer(on: loop)
        let collected = Collected(count: records.count) { continuation.resume(returning: $0) }
        for (index, record) in records.enumerated() { producer.append(record) { collected.set(index, $0) } }
      }
    }
    return try results.map { try $0.get() }
  }

  /// Reads `count` records, or what came within ten seconds.
  func read(_ count: Int, from offsets: [Partition: Int64], on loop: EventLoop) async throws -> [LogRecord] {
    let reader = reader(on: loop)
    await reader.assign(offsets)
    let records: [LogRecord]
    do {
      records = try await reader.records(count)
    } catch {
      await reader.close()
      throw error
    }
    await reader.close()
    return records
  }
}

extension LogReader {
  /// The next `count` records, or what came within ten seconds.
  func records(_ count: Int) async throws -> [LogRecord] {
    var records: [LogRecord] = []
    let end = ContinuousClock.now + .seconds(10)
    while records.count < count, ContinuousClock.now < end {
      records += try await next(maximumRecords: count - records.count, maximumBytes: 1 << 20, wait: .seconds(1))
    }
    return records
  }
}

/// Results by their index; complete once each is there. Lives on one loop.
private final class Collected {
  private var results: [Result<Int64, EventLogError>?]
  private var missing: Int
  private let done: ([Result<Int64, EventLogError>]) -> Void

  init(count: Int, done: @escaping ([Result<Int64, EventLogError>]) -> Void) {
    results = Array(repeating: nil, count: count)
    missing = count
    self.done = done
    if count == 0 { done([]) }
  }

  func set(_ index: Int, _ result: Result<Int64, EventLogError>) {
    results[index] = result
    missing -= 1
    if missing == 0 { done(results.compactMap { $0 }) }
  }
}
