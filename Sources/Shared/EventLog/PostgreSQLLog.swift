public import Cryptography
public import Networking
public import PostgreSQL
import Synchronization

/// The event log in PostgreSQL: the embedded default for one machine, also between processes
/// (docs/architecture.md, section 7).
///
/// Offsets come from a head row that stays locked until its append commits, so what can be read is a prefix without
/// gaps. Each loop appends and reads over lanes of its own. Readers are woken by a posted closure inside the process
/// and by a debounced NOTIFY between processes; a poll every 50 ms is the truth.
public final class PostgreSQLLog: EventLog {
  private let settings: LaneSettings
  private let partitions: [Topic: Int32]
  private let incarnations: [Topic: UUID128]
  private let control: Lane
  let wakeups = LogWakeups()

  /// Opens the log that `carillon migrate` made.
  /// - Parameters:
  ///   - settings: how its lanes connect.
  ///   - loop: where its own few statements run.
  /// - Throws: ``EventLogError`` of kind `misconfigured` where a topic is missing, `unavailable` without a database.
  public static func open(_ settings: LaneSettings, on loop: EventLoop) async throws -> PostgreSQLLog {
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
      return PostgreSQLLog(settings, control, partitions, incarnations)
    } catch {
      await control.close()
      throw EventLogError(error)
    }
  }

  private init(
    _ settings: LaneSettings, _ control: Lane, _ partitions: [Topic: Int32], _ incarnations: [Topic: UUID128]
  ) {
    self.settings = settings
    self.control = control
    self.partitions = partitions
    self.incarnations = incarnations
  }

  /// Makes topics that are missing, with their heads. A topic's partition count never changes.
  public static func migrate(_ partitions: [Topic: Int32], on lane: Lane) async throws(PostgreSQLError) {
    for topic in partitions.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
      _ = try await lane.pipeline([
        Call(LogStatements.makeTopic, .int16(topic.rawValue), .int32(partitions[topic] ?? 1)),
        Call(LogStatements.makeHeads, .int16(topic.rawValue), .int16(topic.rawValue * LogSchema.slots)),
      ])
    }
  }

  /// Names the log of `topic` for ever: event ids are made from it.
  public func incarnation(of topic: Topic) -> UUID128 { incarnations[topic] ?? .zero }

  /// Part of ``EventLog``.
  public func partitionCount(of topic: Topic) -> Int32 { partitions[topic] ?? 1 }

  /// Part of ``EventLog``.
  public func producer(on loop: EventLoop) -> any LogProducer {
    PostgreSQLLogProducer(lane: lane(on: loop), wakeups: wakeups)
  }

  /// Part of ``EventLog``.
  public func reader(on loop: EventLoop) -> any LogReader {
    PostgreSQLLogReader(lane: lane(on: loop), wakeups: wakeups, loop: loop)
  }

  /// Part of ``EventLog``.
  public func end(of partition: Partition) async throws(EventLogError) -> Int64 { try await head(partition).next }

  /// Part of ``EventLog``.
  public func start(of partition: Partition) async throws(EventLogError) -> Int64 { try await head(partition).first }

  private func head(_ partition: Partition) async throws(EventLogError) -> (first: Int64, next: Int64) {
    do throws(PostgreSQLError) {
      let rows = try await control.query(
        LogStatements.heads, .int16(partition.topic.rawValue), .int32s([partition.number]))
      guard let row = rows.first else { throw PostgreSQLError(.misconfigured, "\(partition) has no head") }
      return (try row.int64(1), try row.int64(2))
    } catch {
      throw EventLogError(error)
    }
  }

  /// Part of ``EventLog``: records before `offset` are no longer read; their room comes back with the slot's rotation.
  public func truncate(_ partition: Partition, before offset: Int64) async throws(EventLogError) {
    do throws(PostgreSQLError) {
      _ = try await control.query(
        LogStatements.truncate, .int16(partition.topic.rawValue), .int32(partition.number), .int64(offset))
    } catch {
      throw EventLogError(error)
    }
  }

  /// Part of ``EventLog``: on this log a committed transaction shows that it takes appends.
  public func probe(written: [Topic], read: [Topic]) async throws(EventLogError) {
    do throws(PostgreSQLError) {
      _ = try await control.query(LogStatements.probe)
    } catch {
      throw EventLogError(error)
    }
  }

  /// Part of ``EventLog``. Lanes of producers end with them.
  public func shutdown() async { await control.close() }

  private func lane(on loop: EventLoop) -> Lane? { try? Lane(on: loop, settings) }
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

/// Who waits for records of this process's PostgreSQL log. A hint: readers also poll.
final class LogWakeups: Sendable {
  private struct Waiter {
    var loop: EventLoop
    var wake: @Sendable () -> Void
  }

  private let waiters = Mutex<[UInt64: Waiter]>([:])
  private let count = Atomic<UInt64>(0)

  /// Registers a reader; `wake` runs on its loop.
  func add(on loop: EventLoop, _ wake: @escaping @Sendable () -> Void) -> UInt64 {
    let id = count.wrappingAdd(1, ordering: .relaxed).newValue
    waiters.withLock { $0[id] = Waiter(loop: loop, wake: wake) }
    return id
  }

  /// Forgets a reader.
  func remove(_ id: UInt64) { waiters.withLock { $0[id] = nil } }

  /// Something was appended: one post for each reader.
  func signal() {
    for waiter in waiters.withLock({ Array($0.values) }) { waiter.loop.post(waiter.wake) }
  }
}
