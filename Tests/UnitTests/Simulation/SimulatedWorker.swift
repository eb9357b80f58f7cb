import CWMP
import Cryptography
import EventLog
import Fleet

@testable import SessionWorker

/// A worker's shard around the real batch and fold, as ``Shard`` has it: claims by leases, a reader that is ahead of
/// them, batches with the claims' swap, directives after the commit, and a probe for what crashed it. It may die at
/// every boundary, be stopped at any, and be cut off from the log or PostgreSQL.
final class SimulatedWorker {
  /// A claim as its batches will move it, and since when.
  struct Assignment: Equatable {
    var epoch: Int64
    var next: Int
  }

  /// As ``Shard`` has it: who takes over a partition that did not move that often probes it first.
  private static let suspiciousStarts = 2
  private static let most = 20

  let process: SimulatedProcess
  let claims: SimulatedClaims
  unowned let simulation: Simulation
  let parser = EnvelopeParser()
  private(set) var assigned: [Int: Assignment] = [:]
  /// Where each assigned partition is read on: ahead of its claim while records are under way.
  private var reader: [Int: Int] = [:]
  private var ranges = PartitionRanges(count: SimulatedLog.partitions)
  private var suspects: Set<Int> = []
  private var isBusy = false
  private var isWoken = false
  /// The batch's transaction.
  var transaction: SimulatedTransaction?

  init(_ simulation: Simulation, number: Int) {
    self.simulation = simulation
    process = SimulatedProcess(simulation, "worker \(number)")
    claims = SimulatedClaims(simulation, .messages, process)
  }

  var database: SimulatedDatabase { simulation.database }

  func start() {
    claims.begin()
    assigned = [:]
    reader = [:]
    suspects = []
    isBusy = false
    isWoken = false
    tend()
  }

  /// There is something new on the log.
  func wake() {
    guard !isWoken, !isBusy else { return }
    isWoken = true
    process.after(simulation.between(4_000, 50_000)) { [self] in
      isWoken = false
      round()
    }
  }

  func die(_ why: String) {
    process.kill(why)
    transaction?.end()
    transaction = nil
    simulation.after(simulation.between(100_000, 3_000_000)) { self.start() }
  }

  // MARK: - Partitions

  private func tend() {
    process.after(500_000) { self.tend() }
    let surplus = claims.tend()
    database.openRange(by: self)
    guard !isBusy else { return }
    if let surplus, !surplus.isEmpty { claims.release(surplus) }
    round()
  }

  /// Reads from where the claims stand.
  private func assign() {
    assigned = [:]
    reader = [:]
    guard process.reaches(.postgreSQL) else { return }
    ranges = database.contents.ranges
    for (part, claim) in claims.held {
      assigned[part] = Assignment(epoch: claim.epoch, next: claim.next)
      reader[part] = claim.next
      if claims.starts(part) >= Self.suspiciousStarts { suspects.insert(part) }
    }
    suspects.formIntersection(claims.held.keys)
  }

  /// After any failure: nothing is assigned until where the claims stand was read anew, which may fail too.
  func reseek() {
    if simulation.bug != .skipsAfterFailedReseek {
      assigned = [:]
      reader = [:]
    }
    guard claims.reload() else { return simulation.saw(.reloadFails) }
    assign()
  }

  // MARK: - Rounds

  private func round() {
    guard !isBusy else { return }
    if claims.epochs != assigned.mapValues(\.epoch) { assign() }
    guard process.reaches(.log) else {
      if simulation.log.isUp, !assigned.isEmpty { simulation.saw(.workerWithoutLog) }
      return
    }
    let records = read()
    guard !records.isEmpty else { return }
    isBusy = true
    if simulation.fault(0.3) {
      process.stop(for: simulation.between(7, 15) * Simulation.second, .workerStopsBeforeSwap)
    }
    process.after(simulation.between(100, 2_000)) { [self] in handle(records) }
  }

  private func read() -> [LogRecord] {
    var records: [LogRecord] = []
    for part in assigned.keys.sorted() {
      let log = simulation.log.records[part]
      guard let from = reader[part], from < log.count else { continue }
      let end = min(log.count, from + Self.most)
      records += log[from..<end]
      reader[part] = end
    }
    return records
  }

  private func finish() {
    isBusy = false
    wake()
  }

  /// Passes on what is of an old range, folds what is current, and leaves what is newer to others.
  private func handle(_ records: [LogRecord]) {
    let newer = process.isNewer ? [:] : newer(in: records)
    var known = records.filter { record in newer[part(record)].map { record.offset < $0.offset } ?? true }
    if simulation.bug == .passesNewerOver { known = records.filter { !CPEMessage.isNewer($0) } }
    let first = Int(ranges.current.first)
    let late = known.filter { part($0) < first }
    let current = known.filter { part($0) >= first }
    let fold = { [self] in
      foldRound(current) { [self] in
        for (part, record) in newer.sorted(by: { $0.key < $1.key }) { leave(part, before: record, after: known) }
        finish()
      }
    }
    guard !late.isEmpty else { return fold() }
    pour(late) { [self] succeeded in
      // The reader stands elsewhere by now: what was read with these is read again.
      if succeeded { fold() } else { finish() }
    }
  }

  private func part(_ record: LogRecord) -> Int { Int(record.partition.number) }

  private func newer(in records: [LogRecord]) -> [Int: LogRecord] {
    guard simulation.bug != .passesNewerOver else { return [:] }
    var first: [Int: LogRecord] = [:]
    for record in records where first[part(record)] == nil && CPEMessage.isNewer(record) {
      first[part(record)] = record
    }
    return first
  }

  private func leave(_ part: Int, before record: LogRecord, after known: [LogRecord]) {
    let last = known.last { self.part($0) == part }?.offset ?? -1
    guard let assignment = assigned[part] else { return }
    guard assignment.next > last else { return reseek() }
    simulation.note("\(process.name) leaves partition \(part) to a newer one")
    simulation.saw(.newerRecordDeclined)
    claims.decline(part)
  }

  private func foldRound(_ records: [LogRecord], _ done: @escaping () -> Void) {
    guard !records.isEmpty else { return done() }
    if let suspect = records.map({ part($0) }).first(where: { suspects.contains($0) }),
      simulation.bug != .readsPoisonAgain
    {
      return probe(suspect, records.filter { part($0) == suspect }, done)
    }
    process(records, done)
  }

  private func process(_ records: [LogRecord], _ done: @escaping () -> Void) {
    commit(Batch(understood(records), opening: simulation.seal), records, done)
  }

  /// As a program of this process's version reads them.
  func understood(_ records: [LogRecord]) -> [LogRecord] {
    process.isNewer || simulation.bug == .passesNewerOver ? records.map { RecordOfNextVersion.read($0) } : records
  }

  // MARK: - The claims of a batch

  /// What a batch's swap moves: of each partition from where it was read, and to where.
  struct Move {
    var part: Int
    var epoch: Int64
    var from: Int
    var to: Int
  }

  /// - Returns: nil where the records were not read from where the claims stand.
  func moves(_ records: [LogRecord]) -> [Move]? {
    var moves: [Int: Move] = [:]
    for record in records {
      let part = part(record)
      guard let assignment = assigned[part] else { return nil }
      if moves[part] == nil {
        guard simulation.bug == .skipsAfterFailedReseek || assignment.next == Int(record.offset) else { return nil }
        moves[part] = Move(part: part, epoch: assignment.epoch, from: assignment.next, to: 0)
      }
      moves[part]?.to = Int(record.offset) + 1
    }
    return moves.values.sorted { $0.part < $1.part }
  }

  /// Whether the claims still stand where the batch was read from.
  func stand(_ moves: [Move]) -> Bool {
    moves.allSatisfy { claims.holds($0.part, epoch: $0.epoch, next: $0.from) }
  }

  /// Moves the claims with the commit, and what the worker knows of them.
  func move(_ moves: [Move], swappedAt: Int64) {
    for move in moves { claims.move(move.part, to: move.to, swappedAt: swappedAt) }
  }

  func noteMoved(_ moves: [Move]) {
    for move in moves {
      claims.moved(move.part, to: move.to)
      assigned[move.part]?.next = move.to
    }
  }

  // MARK: - Old ranges

  /// Passes on what came into an old range too late. The copies are there before the claim moves.
  private func pour(_ records: [LogRecord], _ done: @escaping (Bool) -> Void) {
    if simulation.bug == .dropsLateRecords { return swap(records, done) }
    let range = ranges.current
    var missing = records.count
    var failed = false
    for record in records {
      simulation.log.append(record, to: range, by: process) { [self] succeeded in
        missing -= 1
        failed = failed || !succeeded
        guard missing == 0 else { return }
        if simulation.fault(3, .workerDiesPouring) { return die("between copies and claim") }
        guard !failed else { return pourFailed(done) }
        swap(records, done)
      }
    }
  }

  private func swap(_ records: [LogRecord], _ done: @escaping (Bool) -> Void) {
    guard let moves = moves(records), process.reaches(.postgreSQL), !simulation.fault(3) else {
      return pourFailed(done)
    }
    let transaction = SimulatedTransaction(database, process)
    transaction.lock(moves.map { .claim(.messages, $0.part) }) { [self] isLocked in
      defer { transaction.end() }
      guard isLocked, stand(moves) else { return pourFailed(done) }
      simulation.note("\(process.name) passes \(records.count) records on")
      simulation.saw(.poured)
      move(moves, swappedAt: database.now)
      noteMoved(moves)
      done(true)
    }
  }

  private func pourFailed(_ done: (Bool) -> Void) {
    simulation.saw(.pourFails)
    reseek()
    done(false)
  }

  // MARK: - Probes

  /// Lets a child process have the records of a suspect partition first, and halves what it dies of.
  private func probe(_ suspect: Int, _ records: [LogRecord], _ done: @escaping () -> Void) {
    simulation.note("\(process.name) probes \(records.count) records of partition \(suspect)")
    process.after(simulation.between(20_000, 300_000)) { [self] in
      if simulation.fault(2, .workerDiesInProbe) { return die("in a probe") }
      if simulation.fault(3, .probeUndecided) {
        return process.after(2 * Simulation.second) { [self] in
          reseek()
          done()
        }
      }
      if !crashes(records) {
        suspects.remove(suspect)
        process(records) { [self] in
          reseek()
          done()
        }
      } else if records.count > 1 {
        probe(suspect, Array(records.prefix(records.count / 2))) { [self] in
          // The other half is still to be probed.
          suspects.insert(suspect)
          done()
        }
      } else if let record = records.first {
        commit(Batch(unread: record, "it crashed the worker"), records) { [self] in
          reseek()
          done()
        }
      }
    }
  }
}
