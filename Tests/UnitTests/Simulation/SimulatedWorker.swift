import CWMP
import Cryptography
import DataModel
import EventLog
import Fleet
import Policy

@testable import SessionWorker

/// A worker around the real batch and fold: claims by leases, batches with the claim's swap, directives after the
/// commit, and a probe for what crashed it. It may die at every boundary, or stop for so long that its partitions are
/// another's when it goes on.
final class SimulatedWorker {
  private static let lease: Int64 = 6 * Simulation.second
  /// As ``Shard`` has it: who takes over a partition that did not move that often probes it first.
  private static let suspiciousStarts = 2

  private let number: Int
  private unowned let simulation: Simulation
  private let parser = EnvelopeParser()
  private var held: [Int: (epoch: Int64, next: Int)] = [:]
  private var suspects: Set<Int> = []
  private var life = 0
  private var isBusy = false
  private var isWoken = false
  private var cutOffUntil: Int64 = 0

  init(_ simulation: Simulation, number: Int) {
    self.simulation = simulation
    self.number = number
  }

  private var database: SimulatedDatabase { simulation.database }
  private var isReachable: Bool { database.isUp && simulation.now >= cutOffUntil }

  func start() { tend() }

  /// There is something new on the log.
  func wake() {
    guard !isWoken, !isBusy else { return }
    isWoken = true
    let life = life
    simulation.after(simulation.between(4_000, 50_000)) { [self] in
      isWoken = false
      if life == self.life { turn() }
    }
  }

  // MARK: - Faults

  func die(_ why: String) {
    simulation.note("worker \(number) dies \(why)")
    life += 1
    held = [:]
    suspects = []
    isBusy = false
    database.locks = database.locks.filter { $0.value.worker != number }
    simulation.after(simulation.between(100_000, 3_000_000)) { self.tend() }
  }

  func isCutOff(_ duration: Int64) {
    simulation.note("worker \(number) is cut off for \(duration / 1000) ms")
    cutOffUntil = simulation.now + duration
  }

  // MARK: - Claims

  private func tend() {
    let life = life
    simulation.after(500_000) { [self] in if life == self.life { tend() } }
    guard isReachable else { return }
    if simulation.log.isUp { database.openRange() }
    for part in database.contents.claims.indices { tend(part) }
    if !isBusy { turn() }
  }

  private func tend(_ part: Int) {
    let claim = database.contents.claims[part]
    if claim.owner == number, held[part]?.epoch == claim.epoch {
      database.contents.claims[part].leaseUntil = database.now + Self.lease
    } else if claim.leaseUntil < database.now {
      database.contents.claims[part].owner = number
      database.contents.claims[part].epoch += 1
      database.contents.claims[part].starts += 1
      database.contents.claims[part].leaseUntil = database.now + Self.lease
      held[part] = (claim.epoch + 1, claim.next)
      // Who stopped in mid-transaction is terminated, and its locks with it.
      database.locks = database.locks.filter { $0.value.part != part }
      simulation.note("worker \(number) claims partition \(part) at \(claim.next)")
      if claim.starts + 1 >= Self.suspiciousStarts { suspects.insert(part) } else { suspects.remove(part) }
    } else if !isBusy {
      held[part] = nil
    }
  }

  // MARK: - Batches

  private func turn() {
    guard !isBusy, isReachable, simulation.log.isUp else { return }
    var records: [LogRecord] = []
    for (part, claim) in held.sorted(by: { $0.key < $1.key }) {
      let log = simulation.log.records[part]
      guard claim.next < log.count else { continue }
      let new = Array(log[claim.next..<min(log.count, claim.next + 20)])
      if part < Int(database.contents.ranges.current.first) { return pour(part, new) }
      if suspects.contains(part), simulation.bug != .readsPoisonAgain { return probe(part, new) }
      records += new
    }
    if !records.isEmpty { process(records) }
  }

  /// Passes on what came into an old range too late. The copies are there before the claim moves.
  private func pour(_ part: Int, _ records: [LogRecord]) {
    if simulation.bug == .dropsLateRecords { return skip(records) }
    let range = database.contents.ranges.current
    let (life, claims) = (life, held)
    var missing = records.count
    var failed = false
    isBusy = true
    for record in records {
      simulation.log.append(record, to: range.partition(of: record.key)) { [self] succeeded in
        missing -= 1
        failed = failed || !succeeded
        guard missing == 0, life == self.life else { return }
        isBusy = false
        defer { wake() }
        let claim = database.contents.claims[part]
        guard let mine = claims[part], claim.owner == number, claim.epoch == mine.epoch, claim.next == mine.next,
          !failed, isReachable, !simulation.fault(5)
        else { return reseek() }
        simulation.note("worker \(number) passes \(records.count) records of partition \(part) on")
        database.contents.claims[part].next = mine.next + records.count
        held[part]?.next = mine.next + records.count
      }
    }
  }

  /// Lets a child process have the records of a suspect partition first, and halves what it dies of.
  private func probe(_ part: Int, _ records: [LogRecord]) {
    simulation.note("worker \(number) probes \(records.count) records of partition \(part)")
    if !crashes(records) {
      suspects.remove(part)
      process(records)
    } else if records.count > 1 {
      probe(part, Array(records.prefix(records.count / 2)))
    } else if let record = records.first {
      commit(Batch(unread: record, "it crashed the worker"), records)
    }
  }

  /// Whether folding one of these would crash the process.
  private func crashes(_ records: [LogRecord]) -> Bool {
    let batch = classified(Batch(records, opening: simulation.seal))
    return batch.inputs.contains { !$0.isTrivial && $0.message.peer == "poison" }
  }

  private func classified(_ batch: consuming Batch) -> Batch {
    var batch = batch
    var contacts: [UUID128: BatchStore.Contact] = [:]
    for device in batch.devices {
      guard let state = database.contents.states[device], let contact = state.contact else { continue }
      contacts[device] = BatchStore.Contact(row: contact, hasWork: state.session != nil || !state.tasks.isEmpty)
    }
    batch.classify(
      contacts, policyEpoch: database.contents.policyEpoch, restoreCount: database.contents.restoreCount,
      now: database.now)
    return batch
  }

  private func process(_ records: [LogRecord]) {
    if crashes(records) { return die("of a record") }
    commit(Batch(records, opening: simulation.seal), records)
  }

  private func commit(_ batch: consuming Batch, _ records: [LogRecord]) {
    var batch = classified(batch)
    for device in batch.devices {
      guard database.locks[device] == nil else { return simulation.after(20_000) { self.wake() } }
    }
    batch.parse(parser)
    if simulation.bug == .noTakeover, isTakeover(batch) { return skip(records) }
    for device in batch.devicesToLoad {
      batch.states[device] = loaded(device)
      database.locks[device] = (number, Int(records[0].partition.number))
    }
    let scope = batch.scope(database.engine)
    for device in batch.devicesToLoad { batch.states[device]?.twin = database.contents.twin(of: device, scope) }
    let outcome = fold(&batch)
    if simulation.bug == .sendsBeforeCommit { tell(outcome) }
    if simulation.fault(1) { return die("before its commit") }
    isBusy = true
    let (life, before, trivial, claims) = (life, batch.states, batch.trivialDevices, held)
    let pause = simulation.fault(0.5) ? simulation.between(7_000_000, 15_000_000) : simulation.between(500, 8_000)
    simulation.after(pause) { [self] in
      guard life == self.life else { return }
      isBusy = false
      for device in before.keys where database.locks[device]?.worker == number { database.locks[device] = nil }
      commit(records, claims, before, trivial, outcome)
    }
  }

  private func loaded(_ device: UUID128) -> DeviceState {
    var state = database.contents.states[device] ?? DeviceState(id: device)
    if simulation.bug == .repeatsOnce { for index in state.tasks.indices { state.tasks[index].once = false } }
    return state
  }

  private func fold(_ batch: inout Batch) -> BatchFold.Outcome {
    let incarnation = UUID128(high: 1, low: 1)
    let shared = Fold.Context.Shared(
      policies: database.engine, policyEpoch: database.contents.policyEpoch, settings: Self.settings, now: database.now,
      secrets: PlainSecrets(), fingerprint: TwinTests.fingerprint)
    if simulation.bug == .replacesPending {
      for input in batch.inputs where input.message.authentication == .bootstrap {
        batch.states[input.message.device]?.credential?.pendingSecret = nil
      }
    }
    var outcome = BatchFold.fold(batch.inputs, batch.states, incarnation: incarnation, shared: shared)
    batch.addDeadLetters(to: &outcome, incarnation: incarnation, shared: shared)
    return outcome
  }

  private static var settings: FoldSettings {
    var settings = FoldSettings()
    settings.givesCredentials = true
    settings.retryWait = 2_000_000
    return settings
  }

  private func isTakeover(_ batch: borrowing Batch) -> Bool {
    batch.inputs.contains { input in
      guard let session = database.contents.states[input.message.device]?.session else { return false }
      return input.message.kind == .inform && session.id != input.message.session
    }
  }

  /// Passes records over; only what a planted bug does.
  private func skip(_ records: [LogRecord]) {
    for record in records {
      let part = Int(record.partition.number)
      database.contents.claims[part].next = Int(record.offset) + 1
      held[part]?.next = Int(record.offset) + 1
    }
    wake()
  }

  // MARK: - The transaction

  private func commit(
    _ records: [LogRecord], _ claims: [Int: (epoch: Int64, next: Int)], _ before: [UUID128: DeviceState],
    _ trivial: Set<UUID128>, _ outcome: BatchFold.Outcome
  ) {
    defer { wake() }
    guard isReachable else { return }
    var next: [Int: Int] = [:]
    for record in records { next[Int(record.partition.number)] = Int(record.offset) + 1 }
    if simulation.bug != .commitsWithoutSwap {
      for part in next.keys.sorted() {
        let claim = database.contents.claims[part]
        guard let mine = claims[part], claim.owner == number, claim.epoch == mine.epoch, claim.next == mine.next else {
          simulation.note("worker \(number) finds partition \(part) moved or claimed by another")
          return reseek()
        }
      }
    }
    // A commit whose outcome is not known: it happened, or not.
    let isUnknown = simulation.fault(1)
    if isUnknown, simulation.chance(50) { return reseek() }
    for (part, offset) in next {
      database.contents.claims[part].next = offset
      database.contents.claims[part].starts = 0
      database.contents.claims[part].leaseUntil = database.now + Self.lease
      held[part]?.next = offset
    }
    write(before, trivial, outcome)
    note(records)
    if isUnknown { return reseek() }
    if simulation.fault(1) { return die("after its commit") }
    let life = life
    if simulation.bug != .sendsBeforeCommit {
      simulation.after(simulation.between(200, 5_000)) { [self] in if life == self.life { tell(outcome) } }
    }
  }

  /// Where the claims stand is PostgreSQL's to say.
  private func reseek() {
    for part in held.keys.sorted() {
      let claim = database.contents.claims[part]
      held[part] = claim.owner == number && claim.epoch == held[part]?.epoch ? (claim.epoch, claim.next) : nil
    }
  }

  private func write(
    _ before: [UUID128: DeviceState], _ trivial: Set<UUID128>, _ outcome: BatchFold.Outcome
  ) {
    for id in outcome.states.keys.sorted() {
      guard var after = outcome.states[id] else { continue }
      guard !trivial.contains(id) else {
        database.contents.states[id]?.contact = after.contact
        continue
      }
      database.contents.write(after.twin.takeWrites(), of: id)
      for task in after.tasks where before[id]?.tasks.first(where: { $0.id == task.id })?.state != task.state {
        simulation.note("worker \(number): \(task.request.method) \(task.id.base64URL) is \(task.state.name)")
      }
      // The API writes tasks meanwhile: those that the batch did not load are not its to change.
      let known = Set((before[id]?.tasks ?? []).map(\.id))
      after.tasks += (database.contents.states[id]?.tasks ?? []).filter { !known.contains($0.id) }
      for task in after.tasks where task.state == .dispatched {
        database.dispatched.insert(CommandKey(task: task.id, attempt: task.attempt))
      }
      if after.device != nil || after.contact != nil { database.contents.states[id] = after }
    }
    // What was dispatched and settled within one batch was dispatched all the same.
    for (task, state) in outcome.finished {
      simulation.note("worker \(number) ends \(task.id.base64URL): \(state.name)")
      if task.attempt > 0 { database.dispatched.insert(CommandKey(task: task.id, attempt: task.attempt)) }
    }
    database.contents.finished += outcome.finished
    if simulation.bug == .tellsAfterCommit {
      let life = life
      simulation.after(simulation.between(200, 9_000)) { [self] in
        if life == self.life { database.tell(outcome.events) }
      }
    } else {
      database.tell(outcome.events)
    }
  }

  /// What was folded, or is among the dead letters.
  private func note(_ records: [LogRecord]) {
    for record in records {
      if let message = try? CPEMessage(record, seal: simulation.seal), message.kind == .inform {
        database.contents.folded.insert(message.session)
      }
    }
  }

  private func tell(_ outcome: BatchFold.Outcome) {
    for (directive, partition) in outcome.directives where !simulation.fault(2) {
      for _ in 0..<(simulation.fault(2) ? 2 : 1) {
        simulation.after(simulation.between(200, 20_000)) { [self] in
          if simulation.log.isUp { simulation.gateways[Int(partition)].take(directive) }
        }
      }
    }
  }
}
