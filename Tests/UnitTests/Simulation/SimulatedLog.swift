import Cryptography
import EventLog

/// The event log: partitions that are appended to after a while, sometimes twice, late, or without being told.
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

  var isUp: Bool { simulation.now >= downUntil }

  /// Appends a message.
  /// - Parameters:
  ///   - process: who appends.
  ///   - partition: the partition that it takes for the key.
  func append(
    _ message: CPEMessage, by process: SimulatedProcess, in partition: ([UInt8]) -> Int32,
    _ completion: @escaping (Bool) -> Void = { _ in }
  ) {
    let key = Array(message.device.description.utf8)
    let value = message.isSealed ? simulation.seal.seal(message.body, for: message.device) : message.body
    var record = OutgoingRecord(
      partition: Partition(.messages, partition(key)), key: key, headers: message.headers, value: value)
    if process.isNewer { RecordOfNextVersion.write(&record, simulation) }
    append(record, "\(message.kind)", by: process, completion)
  }

  /// Passes a record of an old range on.
  func append(
    _ record: LogRecord, to range: PartitionRanges.Range, by process: SimulatedProcess,
    _ completion: @escaping (Bool) -> Void
  ) {
    append(range.poured(record), "copy", by: process, completion)
  }

  private func append(
    _ record: OutgoingRecord, _ what: String, by process: SimulatedProcess, _ completion: @escaping (Bool) -> Void
  ) {
    // Who dies has sent what was on its way, or not; who is stopped goes on with it.
    let isOnItsWay = simulation.chance(50)
    var delay = simulation.between(500, 15_000)
    if simulation.fault(0.7, .appendedSlowly) { delay = simulation.between(1, 12) * Simulation.second }
    let arrival = { [self] in
      guard process.reaches(.log), !simulation.fault(1, .appendFails) else {
        return process.after(simulation.between(1_000, 9_000_000)) { completion(false) }
      }
      add(record, what)
      // At once, or late: what was answered in the meantime must not be taken for what the record answers.
      if simulation.fault(1, .appendedTwice) { add(record, what) }
      if simulation.fault(1, .appendedAgainLater) {
        simulation.after(simulation.between(1_000, 3_000_000)) { [self] in add(record, what) }
      }
      let isTold = !simulation.fault(1, .appendUnheard)
      process.after(simulation.between(500, 10_000)) { completion(isTold) }
    }
    if isOnItsWay { simulation.after(delay, arrival) } else { process.after(delay, arrival) }
  }

  private func add(_ record: OutgoingRecord, _ what: String) {
    let part = Int(record.partition.number)
    let offset = records[part].count
    simulation.note("log \(part)/\(offset): \(what) of \(simulation.name(key: record.key))")
    records[part].append(
      LogRecord(
        partition: record.partition, offset: Int64(offset), timestamp: simulation.now, key: record.key,
        headers: record.headers, value: record.value))
    for worker in simulation.workers { worker.wake() }
  }
}
