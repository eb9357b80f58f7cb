import Networking
import PostgreSQL

/// Reads partitions of the PostgreSQL log on one loop.
actor PostgreSQLLogReader: LogReader {
  /// The truth, where a wake-up was missed.
  private static let poll: Duration = .milliseconds(50)

  private nonisolated let loop: EventLoop
  private let lane: Lane?
  private let wakeups: LogWakeups
  private var registration: UInt64?
  private var positions: [Partition: Int64] = [:]
  /// Partitions whose position was not yet held against what the log has.
  private var unchecked: Set<Partition> = []
  private var isAwake = false
  private var sleeper: CheckedContinuation<Void, Never>?
  private var isListening = false
  private var isClosed = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(lane: Lane?, wakeups: LogWakeups, loop: EventLoop) {
    self.lane = lane
    self.wakeups = wakeups
    self.loop = loop
  }

  func assign(_ offsets: [Partition: Int64]) {
    unchecked = Set(offsets.filter { positions[$0.key] != $0.value }.keys)
    positions = offsets
    wake()
  }

  func next(
    maximumRecords: Int, maximumBytes: Int, wait: Duration
  ) async throws(EventLogError) -> [LogRecord] {
    guard let lane else { throw EventLogError(.misconfigured, "the connection string cannot be understood") }
    listen(lane)
    let end = loop.now + wait
    while true {
      if isClosed { throw EventLogError(.stopped, "the reader was closed") }
      isAwake = false
      let records = try await fetch(lane, maximumRecords, maximumBytes)
      let left = end - loop.now
      if !records.isEmpty || left <= .zero { return records }
      await rest(min(left, Self.poll))
    }
  }

  func close() {
    isClosed = true
    if let registration { wakeups.remove(registration) }
    wake()
    if let lane { Task(executorPreference: loop) { await lane.close() } }
  }

  // MARK: - Reading

  private func fetch(
    _ lane: Lane, _ maximumRecords: Int, _ maximumBytes: Int
  ) async throws(EventLogError) -> [LogRecord] {
    guard let topic = positions.keys.first?.topic else { return [] }
    if !unchecked.isEmpty { try await check(lane, topic) }
    let asked = positions
    let sorted = asked.keys.sorted()
    let share = max(maximumRecords / max(sorted.count, 1), 1)
    do throws(PostgreSQLError) {
      let rows = try await lane.query(
        LogStatements.read, .int16(topic.rawValue), .int32s(sorted.map(\.number)),
        .int64s(sorted.map { asked[$0] ?? 0 }),
        .int64(Int64(share)), .int64(Int64(max(maximumBytes / max(sorted.count, 1), 1))),
        .int16(topic.rawValue * LogSchema.slots), .int16(topic.rawValue * LogSchema.slots + LogSchema.slots - 1))
      var records: [LogRecord] = []
      records.reserveCapacity(rows.count)
      for row in rows { records.append(try LogRecord(row, topic)) }
      // Positions may have been assigned anew while the query was under way: what it brought is then dropped.
      return positions == asked ? try move(past: records) : []
    } catch {
      throw EventLogError(error)
    }
  }

  /// Offsets have no gaps here: one that is skipped was truncated.
  private func move(past records: [LogRecord]) throws(PostgreSQLError) -> [LogRecord] {
    for record in records {
      guard record.offset == positions[record.partition] else {
        unchecked.insert(record.partition)
        return []
      }
      positions[record.partition] = record.offset + 1
    }
    return records
  }

  private func check(_ lane: Lane, _ topic: Topic) async throws(EventLogError) {
    let asked = unchecked
    do throws(PostgreSQLError) {
      let rows = try await lane.query(LogStatements.heads, .int16(topic.rawValue), .int32s(asked.map(\.number)))
      for row in rows {
        let partition = Partition(topic, try row.int32(0))
        let oldest = try row.int64(1)
        let end = try row.int64(2)
        guard let position = positions[partition] else { continue }
        if position < oldest || position > end {
          throw PostgreSQLError(.decode, "\(partition.number) \(oldest) \(end)", statement: "range")
        }
        unchecked.remove(partition)
      }
    } catch {
      throw Self.range(error, topic) ?? EventLogError(error)
    }
  }

  private static func range(_ error: PostgreSQLError, _ topic: Topic) -> EventLogError? {
    guard error.statement == "range" else { return nil }
    let numbers = error.message.split(separator: " ").compactMap { Int64($0) }
    guard numbers.count == 3 else { return nil }
    let partition = Partition(topic, Int32(truncatingIfNeeded: numbers[0]))
    return EventLogError(
      .offsetOutOfRange(partition, oldest: numbers[1], end: numbers[2]),
      "\(topic.name) partition \(numbers[0]) holds offsets \(numbers[1]) to \(numbers[2])")
  }

  // MARK: - Waiting

  private func listen(_ lane: Lane) {
    guard !isListening else { return }
    isListening = true
    registration = wakeups.add(on: loop) { [weak self] in self?.assumeIsolated { $0.wake() } }
    lane.listen("carillon_log") { [weak self] _ in self?.assumeIsolated { $0.wake() } }
  }

  private func wake() {
    isAwake = true
    sleeper?.resume()
    sleeper = nil
  }

  private func rest(_ length: Duration) async {
    guard !isAwake else { return }
    let timer = loop.schedule(after: length) { [weak self] in self?.assumeIsolated { $0.wake() } }
    await withCheckedContinuation { sleeper = $0 }
    timer.cancel()
  }
}

extension LogRecord {
  fileprivate init(_ row: Row, _ topic: Topic) throws(PostgreSQLError) {
    self.init(
      partition: Partition(topic, try row.int32(0)), offset: try row.int64(1), timestamp: try row.timestamp(2),
      key: try row.bytes(3), headers: RecordHeaders(bytes: try row.bytes(4)), value: try row.bytes(5))
  }
}
