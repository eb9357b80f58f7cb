import Networking
import PostgreSQL

/// Drops the PostgreSQL log's old records, a whole table at a time: no row is deleted, nothing needs vacuuming.
///
/// Each topic's appends go to one of its four slots. When that holds records of half the retention's age they go on in
/// the next, if that is empty; a slot that is no longer appended to is truncated when its newest record is older than
/// the retention and, for `messages`, all of it has been folded. Any process does this, one at a time a topic.
actor LogRetention {
  private static let pause: Duration = .seconds(10)

  private nonisolated let loop: EventLoop
  private let lane: Lane
  private let ages: [Topic: Duration]
  private var ticking: Task<Void, Never>?
  private var isStopped = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(lane: Lane, ages: [Topic: Duration]) {
    self.lane = lane
    self.ages = ages
    loop = lane.loop
    Task(executorPreference: loop) { await self.begin() }
  }

  private func begin() {
    guard !isStopped else { return }
    ticking = Task(executorPreference: loop) { [weak self, loop] in
      // Several processes: spread, so that they seldom meet.
      while (try? await loop.sleep(for: Self.pause * Double.random(in: 0.8...1.2))) != nil {
        // Failing is harmless: the next round does what this one did not.
        try? await self?.tend()
      }
    }
  }

  /// Ends it; returns when nothing is under way any more.
  func stop() async {
    isStopped = true
    ticking?.cancel()
    await ticking?.value
  }

  /// One round over all topics. Dropping the oldest slot and going on in the next are transactions of their own: a
  /// reader that is in the way of the one must not undo the other.
  func tend() async throws(PostgreSQLError) {
    for topic in Topic.allCases {
      guard let age = ages[topic]?.components.seconds else { continue }
      try await alone { try await self.drop(topic, Double(age), $0) }
      try await alone { try await self.rotate(topic, Double(age) / 2, $0) }
    }
  }

  private func alone(_ work: (Transaction) async throws -> Void) async throws(PostgreSQLError) {
    do {
      try await lane.transaction(deadline: .seconds(10), work)
    } catch let error as PostgreSQLError {
      // A table that readers hold now is dropped in a later round.
      guard error.sqlState == "55P03" else { throw error }
    } catch {
      return
    }
  }

  private func rotate(_ topic: Topic, _ age: Double, _ transaction: Transaction) async throws {
    guard let next = try await slots(topic, transaction)?.next(after: age, of: topic) else { return }
    let number = PostgreSQLValue.int16(topic.rawValue)
    try await transaction.pipeline([
      Call(LogStatements.lockAll, number), Call(LogStatements.rotate, number, .int16(next)),
    ])
  }

  private func drop(_ topic: Topic, _ age: Double, _ transaction: Transaction) async throws {
    guard let old = try await slots(topic, transaction)?.droppable(after: age, of: topic) else { return }
    try await transaction.pipeline([
      Call(LogStatements.soon), Call(LogStatements.drop(old.slot)),
      Call(
        LogStatements.dropped, .int16(topic.rawValue), .int32s(old.parts.map(\.part)),
        .int64s(old.parts.map { $0.last + 1 })),
    ])
  }

  /// What the topic's slots hold; nil where another process tends it just now.
  private func slots(_ topic: Topic, _ transaction: Transaction) async throws -> LogSlots? {
    let number = PostgreSQLValue.int16(topic.rawValue)
    let found = try await transaction.pipeline([
      Call(LogStatements.retentionLock, .int32(Int32(topic.rawValue))),
      Call(
        LogStatements.slots, number, .int32(Int32(topic.firstSlot)),
        .int32(Int32(topic.firstSlot + LogSchema.slots - 1))),
      Call(LogStatements.folded, number),
    ])
    guard try found[0][0].bool(0) else { return nil }
    return try LogSlots(found[1], folded: topic == .messages ? found[2] : nil)
  }
}

/// What a topic's slots hold, and so what is to be done. Pure.
struct LogSlots {
  struct Part {
    var part: Int32
    var last: Int64
    /// Seconds.
    var oldestAge: Double
    var newestAge: Double
  }

  /// Where appends go.
  var current: Int16 = 0
  /// The partitions that have records in each slot.
  var parts: [Int16: [Part]] = [:]
  /// How far each partition has been folded; nil where nobody need have.
  var folded: [Int32: Int64]?

  /// The slot that appends must go to from now on, if not the current one.
  func next(after age: Double, of topic: Topic) -> Int16? {
    guard let oldest = parts[current]?.map(\.oldestAge).max(), oldest >= age else { return nil }
    let next = slot(1, of: topic)
    return parts[next, default: []].isEmpty ? next : nil
  }

  /// The oldest slot with records, if it can go.
  func droppable(after age: Double, of topic: Topic) -> (slot: Int16, parts: [Part])? {
    for step in 1..<LogSchema.slots {
      let slot = slot(step, of: topic)
      guard let parts = parts[slot], !parts.isEmpty else { continue }
      let isOld = parts.allSatisfy { $0.newestAge >= age }
      let isFolded = parts.allSatisfy { part in folded.map { $0[part.part, default: 0] > part.last } ?? true }
      return isOld && isFolded ? (slot, parts) : nil
    }
    return nil
  }

  /// The slot `step` rotations after the current one; the nearest ones hold the oldest records.
  private func slot(_ step: Int16, of topic: Topic) -> Int16 {
    topic.firstSlot + (current - topic.firstSlot + step) % LogSchema.slots
  }
}

extension LogSlots {
  init(_ rows: Rows, folded: Rows?) throws(PostgreSQLError) {
    for row in rows {
      current = try row.int16(1)
      guard let last = try row.optionalInt64(4) else { continue }
      let part = Part(part: try row.int32(2), last: last, oldestAge: try row.double(5), newestAge: try row.double(6))
      parts[Int16(truncatingIfNeeded: try row.int32(0)), default: []].append(part)
    }
    guard let folded else { return }
    var offsets: [Int32: Int64] = [:]
    for row in folded { offsets[try row.int32(0)] = try row.int64(1) }
    self.folded = offsets
  }
}
