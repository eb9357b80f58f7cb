import CWMP
import Cryptography
import DataModel
import EventLog
import Fleet
import Policy

@testable import SessionWorker

/// A worker around the real batch fold: claims by leases, batches with the claim's swap, directives after the commit.
/// It may die at every boundary, or stop for so long that its partitions are another's when it goes on.
final class SimulatedWorker {
  private static let lease: Int64 = 6_000_000

  private let number: Int
  private unowned let simulation: Simulation
  private let parser = EnvelopeParser()
  private var held: [Int: (epoch: Int64, next: Int)] = [:]
  private var life = 0

  init(_ simulation: Simulation, number: Int) {
    self.simulation = simulation
    self.number = number
  }

  func start() { simulation.after(simulation.between(0, 100_000)) { self.turn() } }

  private func die(_ why: String) {
    simulation.note("worker \(number) dies \(why)")
    life += 1
    held = [:]
    simulation.after(simulation.between(100_000, 3_000_000)) { self.turn() }
  }

  private func turn() {
    tend()
    var records: [(part: Int, offset: Int, message: CPEMessage)] = []
    for (part, claim) in held.sorted(by: { $0.key < $1.key }) {
      let log = simulation.log.messages[part]
      for offset in claim.next..<min(log.count, claim.next + 20) where offset < log.count {
        records.append((part, offset, log[offset]))
      }
    }
    guard !records.isEmpty else { return again(idle: true) }
    batch(records)
  }

  private func again(idle: Bool = false) {
    let life = life
    simulation.after(idle ? simulation.between(10_000, 80_000) : simulation.between(4_000, 10_000)) { [self] in
      if life == self.life { turn() }
    }
  }

  private func tend() {
    for part in simulation.database.claims.indices {
      let claim = simulation.database.claims[part]
      if claim.owner == number, let mine = held[part], mine.epoch == claim.epoch {
        simulation.database.claims[part].leaseUntil = simulation.now + Self.lease
      } else if claim.leaseUntil < simulation.now, held.count < simulation.database.claims.count {
        simulation.database.claims[part].owner = number
        simulation.database.claims[part].epoch += 1
        simulation.database.claims[part].leaseUntil = simulation.now + Self.lease
        held[part] = (claim.epoch + 1, claim.next)
        simulation.note("worker \(number) claims partition \(part)")
      } else {
        held[part] = nil
      }
    }
  }

  private func batch(_ records: [(part: Int, offset: Int, message: CPEMessage)]) {
    var states: [UUID128: DeviceState] = [:]
    let inputs = records.compactMap { record -> BatchFold.Input? in
      let message = record.message
      if simulation.bug == .noTakeover, message.kind == .inform,
        let session = simulation.database.states[message.device]?.session, session.id != message.session
      {
        return nil
      }
      states[message.device] = simulation.database.states[message.device] ?? DeviceState(id: message.device)
      let body = message.body.isEmpty ? nil : try? parser.parse(message.body)
      var input = BatchFold.Input(
        offset: Int64(record.offset), partition: Int32(record.part), message: message, body: body)
      let state = states[message.device]
      input.isTrivial =
        Fold.isTrivial(
          message, state?.contact, hasWork: state?.session != nil || state?.tasks.isEmpty == false, policyEpoch: 1,
          now: simulation.now) && records.count { $0.message.device == message.device } == 1
      return input
    }
    let shared = Fold.Context.Shared(
      policies: PolicyEngine(policies: []) { $0 }, policyEpoch: 1, settings: Self.settings, now: simulation.now,
      secrets: PlainSecrets(), fingerprint: SecretFingerprint { _, _ in [] })
    let outcome = BatchFold.fold(inputs, states, incarnation: UUID128(high: 1, low: 1), shared: shared)
    if simulation.bug == .sendBeforeCommit { tell(outcome) }
    if simulation.fault(1) { return die("before its commit") }
    let life = life
    let pause = simulation.fault(0.5) ? simulation.between(7_000_000, 15_000_000) : simulation.between(500, 8_000)
    simulation.after(pause) { [self] in
      guard life == self.life else { return }
      commit(records, states, outcome)
    }
  }

  private static var settings: FoldSettings {
    var settings = FoldSettings()
    settings.givesCredentials = false
    settings.retryWait = 2_000_000
    return settings
  }

  // MARK: - The transaction

  private func commit(
    _ records: [(part: Int, offset: Int, message: CPEMessage)], _ before: [UUID128: DeviceState],
    _ outcome: BatchFold.Outcome
  ) {
    let database = simulation.database
    var next: [Int: Int] = [:]
    for record in records { next[record.part] = record.offset + 1 }
    if simulation.bug != .noSwap {
      for part in next.keys {
        let claim = database.claims[part]
        guard let mine = held[part], claim.owner == number, claim.epoch == mine.epoch, claim.next == mine.next else {
          simulation.note("worker \(number) finds partition \(part) claimed by another")
          held = [:]
          return again()
        }
      }
    }
    for (part, offset) in next {
      database.claims[part].next = offset
      held[part]?.next = offset
    }
    write(before, outcome)
    for record in records where record.message.kind == .inform { database.folded.insert(record.message.session) }
    if simulation.fault(1) { return die("after its commit") }
    let life = life
    if simulation.bug != .sendBeforeCommit {
      simulation.after(simulation.between(200, 5_000)) { [self] in if life == self.life { tell(outcome) } }
    }
    again()
  }

  private func write(_ before: [UUID128: DeviceState], _ outcome: BatchFold.Outcome) {
    let database = simulation.database
    for (id, after) in outcome.states {
      var after = after
      _ = after.twin.takeWrites()
      // The API writes tasks meanwhile: those that the batch did not load are not its to change.
      let known = Set((before[id]?.tasks ?? []).map(\.id))
      let others = (database.states[id]?.tasks ?? []).filter { !known.contains($0.id) }
      after.tasks += others
      for task in after.tasks where task.state == .dispatched {
        database.dispatched.insert(CommandKey(task: task.id, attempt: task.attempt))
      }
      database.states[id] = after
    }
    // What was dispatched and settled within one batch was dispatched all the same.
    for (task, _) in outcome.finished where task.attempt > 0 {
      database.dispatched.insert(CommandKey(task: task.id, attempt: task.attempt))
    }
    database.finished += outcome.finished
    database.events += outcome.events
  }

  private func tell(_ outcome: BatchFold.Outcome) {
    for (directive, partition) in outcome.directives where !simulation.fault(2) {
      simulation.after(simulation.between(200, 20_000)) { [self] in
        simulation.gateways[Int(partition)].take(directive)
      }
    }
  }
}
