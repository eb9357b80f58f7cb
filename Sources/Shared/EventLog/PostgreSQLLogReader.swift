import Networking
import PostgreSQL

/// Reads partitions of the PostgreSQL log on one loop.
actor PostgreSQLLogReader: LogReader {
  /// The truth, where a wake-up was missed.
  private static let poll: Duration = .milliseconds(50)
  /// What is fetched of one partition at a time; a larger record comes alone.
  private static let fetchBytes: Int64 = 1 << 20

  /// A partition: what was fetched of it and not yet handed out.
  private struct Place {
    /// The offset of the next record to hand out.
    var position: Int64
    var fetched: ArraySlice<LogRecord> = []
  }

  private nonisolated let loop: EventLoop
  private let lane: Lane?
  private let wakeups: LogWakeups
  private var waiter: LogWakeups.Waiter?
  private var places: [Partition: Place] = [:]
  /// The partitions in the order in which they are served next.
  private var turns: [Partition] = []
  /// Counts assignments: what a fetch under way brings for an earlier one is dropped.
  private var assignment = 0
  private var isAwake = false
  private var sleeper: CheckedContinuation<Void, Never>?
  private var isClosed = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(lane: Lane?, wakeups: LogWakeups, loop: EventLoop) {
    self.lane = lane
    self.wakeups = wakeups
    self.loop = loop
  }

  func assign(_ offsets: [Partition: Int64]) {
    var places: [Partition: Place] = [:]
    for (partition, offset) in offsets {
      if let place = self.places[partition], place.position == offset {
        places[partition] = place
      } else {
        places[partition] = Place(position: offset)
      }
    }
    self.places = places
    turns = places.keys.sorted()
    assignment += 1
    waiter?.watch(Set(turns))
    wake()
  }

  func next(
    maximumRecords: Int, maximumBytes: Int, wait: Duration
  ) async throws(EventLogError) -> [LogRecord] {
    guard let lane else { throw EventLogError(.misconfigured, "the connection string cannot be understood") }
    register()
    let end = ContinuousClock.now + wait
    while true {
      if isClosed { throw EventLogError(.stopped, "the reader was closed") }
      isAwake = false
      waiter?.looks()
      try await fetch(lane, Int64(maximumRecords), min(Int64(maximumBytes), Self.fetchBytes))
      let records = take(maximumRecords, maximumBytes)
      let left = end - ContinuousClock.now
      if !records.isEmpty || left <= .zero || Task.isCancelled { return records }
      await rest(min(left, Self.poll))
    }
  }

  func close() {
    isClosed = true
    if let waiter { wakeups.remove(waiter) }
    waiter = nil
    wake()
    lane?.closeSoon()
  }

  // MARK: - Handing out

  /// Up to so many records of what was fetched, the partitions in turn.
  private func take(_ maximumRecords: Int, _ maximumBytes: Int) -> [LogRecord] {
    var records: [LogRecord] = []
    var bytes = 0
    for partition in turns {
      while let record = places[partition]?.fetched.first, records.count < maximumRecords {
        if !records.isEmpty, bytes + record.value.count > maximumBytes { break }
        bytes += record.value.count
        records.append(record)
        places[partition]?.fetched.removeFirst()
        places[partition]?.position = record.offset + 1
      }
    }
    if !turns.isEmpty { turns.append(turns.removeFirst()) }
    return records
  }

  // MARK: - Fetching

  /// Fetches of the partitions of which nothing is left, unless others have enough for now.
  private func fetch(_ lane: Lane, _ records: Int64, _ bytes: Int64) async throws(EventLogError) {
    let ready = places.values.reduce(0) { $0 + $1.fetched.count }
    guard ready < records else { return }
    var wanted: [Topic: [Partition]] = [:]
    for (partition, place) in places where place.fetched.isEmpty {
      wanted[partition.topic, default: []].append(partition)
    }
    guard !wanted.isEmpty else { return }
    let asked = assignment
    let topics = wanted.keys.sorted { $0.rawValue < $1.rawValue }
    let calls = topics.map { topic in
      let parts = wanted[topic, default: []].sorted()
      return Call(
        LogStatements.read(topic), .int16(topic.rawValue), .int32s(parts.map(\.number)),
        .int64s(parts.map { places[$0]?.position ?? 0 }), .int64(records), .int64(max(bytes, 1)))
    }
    var lost: Partition?
    do throws(PostgreSQLError) {
      let results = try await lane.pipeline(calls)
      guard asked == assignment else { return }
      for (topic, rows) in zip(topics, results) {
        lost = try keep(rows, of: wanted[topic, default: []].count, topic) ?? lost
      }
    } catch {
      throw EventLogError(error)
    }
    if let lost { try await tell(lost, lane) }
  }

  /// Keeps what came. Offsets have no gaps here, so a position that is out of bounds, or whose record is not there
  /// while the head says that it must be, was truncated or lost: returned.
  private func keep(_ rows: Rows, of count: Int, _ topic: Topic) throws(PostgreSQLError) -> Partition? {
    var expected: Int64 = 0
    var present: Partition?
    var found = 0
    for row in rows {
      let partition = Partition(topic, try row.int32(0))
      if partition != present {
        present = partition
        found += 1
        expected = places[partition]?.position ?? 0
        let end = try row.int64(2)
        if try expected < row.int64(1) || expected > end { return partition }
        if row.isNull(3) {
          if expected < end { return partition }
          continue
        }
        if try row.int64(3) != expected { return partition }
      }
      // Truncated between two tables' scans: what is before the gap is good, the next fetch finds the gap.
      guard try row.int64(3) == expected else { continue }
      places[partition]?.fetched.append(try LogRecord(row, partition))
      expected += 1
    }
    guard found == count else {
      throw PostgreSQLError(.misconfigured, "a partition of \(topic.name) does not exist: run `carillon migrate`")
    }
    return nil
  }

  private func tell(_ partition: Partition, _ lane: Lane) async throws(EventLogError) {
    let bounds = try await LogBounds(of: partition, on: lane)
    throw EventLogError(
      .offsetOutOfRange(partition, oldest: bounds.oldest, end: bounds.end),
      "\(partition.topic.name) partition \(partition.number) holds offsets \(bounds.oldest) up to \(bounds.end)")
  }

  // MARK: - Waiting

  private func register() {
    guard waiter == nil else { return }
    let waiter = LogWakeups.Waiter(loop: loop) { [weak self] in self?.assumeIsolated { $0.wake() } }
    waiter.watch(Set(turns))
    wakeups.add(waiter)
    self.waiter = waiter
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
  fileprivate init(_ row: Row, _ partition: Partition) throws(PostgreSQLError) {
    self.init(
      partition: partition, offset: try row.int64(3), timestamp: try row.timestamp(4), key: try row.bytes(5),
      headers: RecordHeaders(bytes: try row.bytes(6)), value: try row.bytes(7))
  }
}
