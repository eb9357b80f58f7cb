@testable import EventLog

// Ranges of partitions: an operator adds one, workers open it.
extension SimulatedDatabase {
  /// `carillon migrate --partitions`, which an operator repeats after a restore that has lost it.
  func addPartitions() {
    guard isUp, contents.ranges.ranges.count == 1, simulation.now > isBehindUntil else { return }
    simulation.note("an operator adds partitions")
    simulation.saw(.rangeAdded)
    addRange(beginningAt: now + 15 * Simulation.second)
  }

  /// What a restore has lost of the ranges and the topic still has begins at once: before anything new is appended.
  func findLostRange() {
    guard contents.ranges.ranges.count == 1,
      simulation.log.records[Int(SimulatedLog.partitions)...].contains(where: { !$0.isEmpty })
    else { return }
    simulation.note("the restore finds a range that it had lost")
    simulation.saw(.rangeFound)
    addRange(beginningAt: now)
  }

  private func addRange(beginningAt time: Int64) {
    contents.ranges = PartitionRanges(
      contents.ranges.ranges + [
        PartitionRanges.Range(
          first: SimulatedLog.partitions, count: SimulatedLog.added, beginsAt: time, isRead: false)
      ])
  }

  /// What ``RangeOpening`` does: who does it may die at both sides of its commit.
  func openRange(by worker: SimulatedWorker) {
    let process = worker.process
    guard process.reaches(.log), process.reaches(.postgreSQL), let new = pendingRange else { return }
    let old = Array(0..<Int(new.first))
    let ends = old.map { simulation.log.records[$0].count }
    guard isFolded(old, ends) else { return }
    let transaction = SimulatedTransaction(self, process)
    transaction.lock(old.map { .claim(.messages, $0) }) { [self] isLocked in
      process.after(simulation.between(500, 3_000)) { [self] in
        defer { transaction.end() }
        guard isLocked, transaction.isOpen, pendingRange == new, isFolded(old, ends) else { return }
        if simulation.fault(10, .workerDiesBeforeOpening) { return worker.die("before it opens a range") }
        open(new)
        if simulation.fault(10, .workerDiesAfterOpening) { worker.die("after it has opened a range") }
      }
    }
  }

  private var pendingRange: PartitionRanges.Range? {
    guard let new = contents.ranges.ranges.last, !new.isRead, new.beginsAt + 500_000 < now else { return nil }
    return new
  }

  private func isFolded(_ parts: [Int], _ ends: [Int]) -> Bool {
    zip(parts, ends).allSatisfy { contents.leased[0].claims[$0].next >= $1 }
  }

  private func open(_ new: PartitionRanges.Range) {
    simulation.note("partitions \(new.first) and on are read")
    simulation.saw(.rangeOpened)
    for part in contents.leased[0].claims.indices {
      contents.leased[0].claims[part].owner = nil
      contents.leased[0].claims[part].epoch += 1
      contents.leased[0].claims[part].leaseUntil = .min
      contents.leased[0].claims[part].starts = 0
    }
    contents.leased[0].claims += Array(repeating: Claim(), count: Int(new.count))
    contents.ranges = PartitionRanges(
      contents.ranges.ranges.map { range in
        var range = range
        range.isRead = true
        return range
      })
  }
}
