public import Cryptography
public import Networking
public import PostgreSQL
import Synchronization

/// The event log in PostgreSQL: the embedded default for one machine, also between processes
/// (docs/architecture.md, section 7).
///
/// Offsets come from a head row that stays locked until its append commits, so what can be read is a prefix without
/// gaps. Each producer and reader has a lane of its own. Readers are woken by a posted closure inside the process and
/// by a debounced NOTIFY between processes; a poll every 50 ms is the truth. Records are dropped a table at a time
/// (``LogRetention``).
public final class PostgreSQLLog: EventLog {
  /// How long records are kept; see ``open(_:on:retention:)``.
  public static let defaultRetention: [Topic: Duration] = [
    .messages: .seconds(3600), .directives: .seconds(600), .deadLetters: .seconds(30 * 86_400),
    .deviceEvents: .seconds(7 * 86_400), .taskEvents: .seconds(7 * 86_400),
  ]

  private let settings: LaneSettings
  private let partitions: Mutex<[Topic: Int32]>
  private let incarnations: [Topic: UUID128]
  private let control: Lane
  private let wakeups = LogWakeups()
  private let notifier: LogNotifier
  private let retention: LogRetention
  /// The lanes of producers and readers, to be closed at the end.
  private let lanes = Mutex<[Lane]>([])

  /// Opens the log that `carillon migrate` made.
  /// - Parameters:
  ///   - settings: how its lanes connect.
  ///   - loop: where its own few statements run.
  ///   - retention: how long the records of a topic are kept at least; topics not named as in ``defaultRetention``.
  ///     Those of `messages` are kept until they are folded, too.
  /// - Throws: ``EventLogError`` of kind `misconfigured` where a topic is missing, `unavailable` without a database.
  public static func open(
    _ settings: LaneSettings, on loop: EventLoop, retention: [Topic: Duration] = [:]
  ) async throws -> PostgreSQLLog {
    var settings = settings
    settings.session = LaneSettings.byIndex
    let control = try Lane(on: loop, settings)
    do throws(PostgreSQLError) {
      var partitions: [Topic: Int32] = [:]
      var incarnations: [Topic: UUID128] = [:]
      for row in try await control.query(LogStatements.topics) {
        guard let topic = Topic(rawValue: try row.int16(0)) else { continue }
        partitions[topic] = try row.int32(1)
        incarnations[topic] = try row.uuid(2)
      }
      for topic in Topic.allCases where partitions[topic] == nil {
        throw PostgreSQLError(.misconfigured, "topic \(topic.name) is missing: run `carillon migrate`")
      }
      let ages = defaultRetention.merging(retention) { $1 }
      return PostgreSQLLog(settings, control, partitions, incarnations, ages)
    } catch {
      await control.close()
      throw EventLogError(error)
    }
  }

  private init(
    _ settings: LaneSettings, _ control: Lane, _ partitions: [Topic: Int32], _ incarnations: [Topic: UUID128],
    _ ages: [Topic: Duration]
  ) {
    self.settings = settings
    self.control = control
    self.partitions = Mutex(partitions)
    self.incarnations = incarnations
    notifier = LogNotifier(lane: control, wakeups: wakeups)
    retention = LogRetention(lane: control, ages: ages)
  }

  /// Gives `messages` the partitions of all its ranges.
  public static func grow(to ranges: PartitionRanges, on lane: Lane) async throws(PostgreSQLError) {
    _ = try await lane.pipeline([
      Call(LogStatements.grow, .int16(Topic.messages.rawValue), .int32(ranges.total)),
      Call(LogStatements.makeHeads, .int16(Topic.messages.rawValue), .int16(Topic.messages.firstSlot)),
    ])
  }

  /// Makes topics that are missing, with their heads. A topic's partition count does not change, but that `messages`
  /// may get more (``grow(to:on:)``).
  ///
  /// - Parameter isUsed: whether this is the cluster's log; then another count is an error.
  /// - Throws: ``PostgreSQLError/Kind/misconfigured`` where a topic that is there has another count.
  public static func migrate(
    _ partitions: [Topic: Int32], isUsed: Bool = true, on lane: Lane
  ) async throws(PostgreSQLError) {
    for topic in partitions.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
      _ = try await lane.pipeline([
        Call(LogStatements.makeTopic, .int16(topic.rawValue), .int32(partitions[topic] ?? 1)),
        Call(LogStatements.makeHeads, .int16(topic.rawValue), .int16(topic.firstSlot)),
      ])
    }
    for row in try await lane.query(LogStatements.topics) where isUsed {
      guard let topic = Topic(rawValue: try row.int16(0)), let wanted = partitions[topic] else { continue }
      let count = try row.int32(1)
      guard count != wanted else { continue }
      throw PostgreSQLError(
        .misconfigured,
        "topic \(topic.name) has \(count) partitions and the configuration says \(wanted): "
          + "the count of a topic that is in use does not change")
    }
  }

  /// Names the log of `topic` for ever: event ids are made from it.
  public func incarnation(of topic: Topic) -> UUID128 { incarnations[topic] ?? .zero }

  /// Part of ``EventLog``.
  public func partitionCount(of topic: Topic) -> Int32 { partitions.withLock { $0[topic] ?? 1 } }

  /// Part of ``EventLog``.
  public func learnPartitions(of topic: Topic) async throws(EventLogError) {
    do throws(PostgreSQLError) {
      for row in try await control.query(LogStatements.topics) {
        guard let topic = Topic(rawValue: try row.int16(0)) else { continue }
        let count = try row.int32(1)
        partitions.withLock { $0[topic] = count }
      }
    } catch {
      throw EventLogError(error)
    }
  }

  /// Part of ``EventLog``.
  public func producer(on loop: EventLoop) -> any LogProducer {
    PostgreSQLLogProducer(lane: lane(on: loop), loop: loop, wakeups: wakeups, notifier: notifier)
  }

  /// Part of ``EventLog``.
  public func reader(on loop: EventLoop) -> any LogReader {
    PostgreSQLLogReader(lane: lane(on: loop), wakeups: wakeups, loop: loop)
  }

  /// Part of ``EventLog``.
  public func end(of partition: Partition) async throws(EventLogError) -> Int64 {
    try await LogBounds(of: partition, on: control).end
  }

  /// Part of ``EventLog``.
  public func start(of partition: Partition) async throws(EventLogError) -> Int64 {
    try await LogBounds(of: partition, on: control).oldest
  }

  /// Part of ``EventLog``: the claims beside the log say it already.
  public func note(done offsets: [Partition: Int64]) {}

  /// Part of ``EventLog``: on this log a committed transaction shows that it takes appends.
  public func probe(written: [Topic], read: [Topic]) async throws(EventLogError) {
    do throws(PostgreSQLError) {
      _ = try await control.query(LogStatements.probe)
    } catch {
      throw EventLogError(error)
    }
  }

  /// Drops what is old enough, as the log does by itself every few seconds.
  func dropOld() async throws(PostgreSQLError) { try await retention.tend() }

  /// Part of ``EventLog``.
  public func shutdown() async {
    await retention.stop()
    for lane in lanes.withLock({ $0 }) { await lane.close() }
    await control.close()
  }

  private func lane(on loop: EventLoop) -> Lane? {
    // The settings were understood when the log was opened.
    guard let lane = try? Lane(on: loop, settings) else { return nil }
    lanes.withLock { lanes in
      lanes.removeAll { $0.isClosed }
      lanes.append(lane)
    }
    return lane
  }
}

extension Topic {
  /// The first of the topic's slots.
  var firstSlot: Int16 { rawValue * LogSchema.slots }
}

/// What a partition holds.
struct LogBounds {
  var oldest: Int64
  var end: Int64

  init(of partition: Partition, on lane: Lane) async throws(EventLogError) {
    do throws(PostgreSQLError) {
      let rows = try await lane.query(
        LogStatements.bounds(of: partition.topic), .int16(partition.topic.rawValue), .int32(partition.number))
      guard let row = rows.first else {
        throw PostgreSQLError(
          .misconfigured, "\(partition.topic.name) has no partition \(partition.number): run `carillon migrate`")
      }
      oldest = try row.int64(0)
      end = try row.int64(1)
    } catch {
      throw EventLogError(error)
    }
  }
}

extension EventLogError {
  /// What PostgreSQL said, as the log's error.
  init(_ error: PostgreSQLError) {
    switch error.kind {
    case .queueFull: self.init(.full, error.description)
    case .misconfigured, .decode: self.init(.misconfigured, error.description)
    case .closed: self.init(.stopped, error.description)
    default: self.init(error.remedy == .stop ? .misconfigured : .unavailable, error.description)
    }
  }
}
