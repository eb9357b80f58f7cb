import EventLog

/// The event log: partitions that are appended to after a while, sometimes twice, sometimes without being told.
final class SimulatedLog {
  /// How many there are at first, and how many an operator adds.
  static let partitions: Int32 = 2
  static let added: Int32 = 3
  private unowned let simulation: Simulation
  private(set) var records: [[LogRecord]] = Array(repeating: [], count: Int(partitions + added))
  private var downUntil: Int64 = 0

  init(_ simulation: Simulation) { self.simulation = simulation }

  func isDown(_ duration: Int64) {
    simulation.note("the log is down for \(duration / 1000) ms")
    downUntil = simulation.now + duration
  }

  /// Whether the log can be reached.
  var isUp: Bool { simulation.now >= downUntil }

  /// Appends a message.
  /// - Parameters:
  ///   - ranges: what who appends knows of them, and of the time.
  ///   - isReachable: whether who appends is connected to the log.
  func append(
    _ message: CPEMessage, in ranges: PartitionRanges, at now: Int64, isReachable: Bool = true,
    _ completion: @escaping (Bool) -> Void = { _ in }
  ) {
    let record = message.record(in: ranges, at: now, seal: simulation.seal)
    append(record, message, isReachable: isReachable, completion)
  }

  /// Passes a record of an old range on.
  func append(_ record: LogRecord, to part: Int32, _ completion: @escaping (Bool) -> Void) {
    guard let message = try? CPEMessage(record, seal: simulation.seal) else { return completion(true) }
    let copy = OutgoingRecord(
      partition: Partition(.messages, part), key: record.key, headers: record.headers, value: record.value)
    append(copy, message, isReachable: true, completion)
  }

  private func append(
    _ record: OutgoingRecord, _ message: CPEMessage, isReachable: Bool, _ completion: @escaping (Bool) -> Void
  ) {
    let simulation = simulation
    simulation.after(simulation.between(500, 15_000)) { [self] in
      guard isUp, isReachable, !simulation.fault(1) else {
        simulation.after(simulation.between(1_000, 9_000_000)) { completion(false) }
        return
      }
      add(record, message)
      if simulation.fault(2) {
        // At once, or late: what was answered in the meantime must not be taken for what the record answers.
        simulation.after(simulation.between(0, 1) == 0 ? 0 : simulation.between(1_000, 3_000_000)) { [self] in
          add(record, message)
        }
      }
      let isTold = !simulation.fault(1)
      simulation.after(simulation.between(500, 10_000)) { completion(isTold) }
    }
  }

  private func add(_ record: OutgoingRecord, _ message: CPEMessage) {
    let part = Int(record.partition.number)
    let offset = records[part].count
    simulation.note("log \(part)/\(offset): \(message.kind) of \(simulation.name(message.device))")
    records[part].append(
      LogRecord(
        partition: record.partition, offset: Int64(offset), timestamp: simulation.now / 1000, key: record.key,
        headers: record.headers, value: record.value))
    for worker in simulation.workers { worker.wake() }
  }
}
