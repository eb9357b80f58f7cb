import Cryptography
import EventLog
import Fleet

@testable import SessionWorker
@testable import TaskScheduler

/// A scheduler: lost sessions, deadlines, connection requests and the relay of events, each device's by one at a time.
/// It may die, be stopped, and be cut off.
final class SimulatedScheduler {
  let process: SimulatedProcess
  private let claims: SimulatedClaims
  private unowned let simulation: Simulation
  /// When its lanes were renewed.
  private var tended: Int64 = 0
  private var ranges: (known: PartitionRanges, readAt: Int64)?
  private var isRelaying = false
  private var lost = Reminders<[UInt8]>(every: .seconds(30))
  private var due = Reminders<CommandKey>(every: .seconds(30))
  private static let start = ContinuousClock.now

  init(_ simulation: Simulation, number: Int) {
    self.simulation = simulation
    process = SimulatedProcess(simulation, "scheduler \(number)")
    claims = SimulatedClaims(simulation, .lanes, process)
  }

  private var database: SimulatedDatabase { simulation.database }

  func start() {
    claims.begin()
    tended = 0
    ranges = nil
    isRelaying = false
    lost = Reminders(every: .seconds(30))
    due = Reminders(every: .seconds(30))
    tend()
    sweep()
    wakeDevices()
  }

  func die(_ why: String = "") {
    process.kill(why)
    simulation.saw(.schedulerDies)
    simulation.after(simulation.between(100_000, 3_000_000)) { self.start() }
  }

  // MARK: - Lanes

  private func tend() {
    process.after(simulation.between(800_000, 1_200_000)) { self.tend() }
    guard let surplus = claims.tend() else { return }
    tended = simulation.now
    claims.release(surplus)
    wake()
  }

  /// Those that are its own for sure.
  private var lanes: Set<Int16> {
    guard simulation.now - tended < 3 * Simulation.second else { return [] }
    return Set(claims.held.keys.map { Int16($0) })
  }

  private func isOwn(_ device: UUID128) -> Bool { lanes.contains(TaskStore.outboxLane(of: device)) }

  // MARK: - The relay

  /// There may be something in the outbox.
  func wake() {
    guard !isRelaying, !database.contents.outbox.isEmpty else { return }
    isRelaying = true
    process.after(simulation.between(10_000, 120_000)) { [self] in
      isRelaying = false
      relay()
    }
  }

  private func relay() {
    guard process.reaches(.postgreSQL) else { return }
    let lanes = lanes
    let rows = database.contents.outbox.keys.sorted().filter { id in
      guard let row = database.contents.outbox[id] else { return false }
      return lanes.contains(TaskStore.outboxLane(of: row.event.device))
    }.prefix(20)
    guard !rows.isEmpty else { return }
    let entries = OutboxEntry.inOrder(rows.compactMap { entry($0) })
    isRelaying = true
    if simulation.bug == .deletesUnrelayed { delete(entries.map(\.id)) }
    if simulation.fault(1) {
      process.stop(for: simulation.between(7, 15) * Simulation.second, .relayStops)
    }
    process.after(simulation.between(200, 3_000)) { [self] in append(entries) }
  }

  private func entry(_ id: Int64) -> OutboxEntry? {
    guard let row = database.contents.outbox[id] else { return nil }
    var headers = RecordHeaders()
    headers.append("ce_id", row.id.description)
    return OutboxEntry(
      id: id, device: row.event.device, sequence: row.sequence, topic: row.event.topic, headers: headers, value: [])
  }

  /// Appends in order; of each the broker's word comes after a while.
  private func append(_ entries: [OutboxEntry]) {
    var results: [Result<Int64, EventLogError>] = []
    for entry in entries {
      let failure = Result<Int64, EventLogError>.failure(EventLogError(.unavailable, "not acknowledged"))
      guard process.reaches(.log), !simulation.fault(1) else {
        results.append(failure)
        continue
      }
      simulation.subscriber.take(entry)
      results.append(simulation.fault(1) ? failure : .success(0))
    }
    process.after(simulation.between(500, 15_000)) { [self] in
      isRelaying = false
      defer { wake() }
      if simulation.fault(1, .relayDiesBeforeDelete) { return die("before it deletes what it relayed") }
      let done =
        simulation.bug == .relaysPastFailure
        ? zip(entries, results).compactMap { entry, result in (try? result.get()).map { _ in entry.id } }
        : OutboxEntry.relayed(entries, results)
      guard process.reaches(.postgreSQL), !simulation.fault(1) else { return simulation.saw(.deleteUnheard) }
      delete(done)
    }
  }

  private func delete(_ rows: [Int64]) { for row in rows { database.contents.outbox[row] = nil } }

  // MARK: - Sessions and tasks

  private func sweep() {
    process.after(simulation.between(2 * Simulation.second, 4 * Simulation.second)) { self.sweep() }
    guard process.reaches(.postgreSQL) else { return }
    if simulation.fault(0.2) { return die() }
    let now = database.now
    for (id, state) in database.contents.states.sorted(by: { $0.key < $1.key }) {
      if isOwn(id) { remind(id, state, now) }
      let overdue = state.tasks.filter { $0.state == .queued && $0.deadline <= now }
      if !overdue.isEmpty { expire(overdue.map(\.id), of: id) }
    }
  }

  private var instant: ContinuousClock.Instant { Self.start + .microseconds(simulation.now) }

  private func remind(_ id: UUID128, _ state: DeviceState, _ now: Int64) {
    if let session = state.session, session.lastPostAt + Int64(session.lostAfter) * Simulation.second <= now {
      let key = session.id.bytes + Array("\(session.lastPostAt)".utf8)
      if !lost.due([key], now: instant).isEmpty {
        tell(CPEMessage(.lost, device: id, session: session.id))
        lost.note([key], now: instant)
      }
    }
    for task in state.tasks where task.deadline <= now && task.awaitsEvidence {
      let key = CommandKey(task: task.id, attempt: task.attempt)
      guard !due.due([key], now: instant).isEmpty else { continue }
      var message = CPEMessage(.due, device: id, session: .zero)
      message.task = task.id
      message.attempt = task.attempt
      tell(message)
      due.note([key], now: instant)
    }
  }

  /// To the range that workers read, as it knows it.
  private func tell(_ message: CPEMessage) {
    if ranges.map({ simulation.now - $0.readAt > 10 * Simulation.second }) ?? true {
      ranges = (database.contents.ranges, simulation.now)
    }
    guard let range = ranges?.known.current else { return }
    simulation.log.append(message, by: process, in: { range.partition(of: $0) })
  }

  /// Queued rows past their deadline are the scheduler's own to end, and what depends on them; rows that a batch has
  /// locked wait for the next round.
  private func expire(_ tasks: [UUID128], of device: UUID128) {
    let transaction = SimulatedTransaction(database, process)
    guard transaction.lock(tasks.map { .task($0) }) else { return transaction.end() }
    transaction.lock([.wakeup(device), .contact(device)]) { [self] isLocked in
      guard isLocked else { return transaction.end() }
      process.after(simulation.between(300, 3_000)) { [self] in
        defer { transaction.end() }
        guard transaction.isOpen else { return }
        simulation.saw(.expired)
        let dependents = database.contents.states[device]?.dependents(of: tasks) ?? []
        guard dependents.isEmpty || transaction.lock(dependents.map { .task($0) }) else { return }
        if !dependents.isEmpty { simulation.saw(.dependentFails) }
        database.end(tasks, of: device, as: .expired)
        database.end(dependents, of: device, as: .failed)
      }
    }
  }

  // MARK: - Connection requests

  /// Takes due wake-ups, puts them off, and asks their devices.
  private func wakeDevices() {
    process.after(simulation.between(800_000, 1_600_000)) { self.wakeDevices() }
    guard process.reaches(.postgreSQL) else { return }
    let now = database.now
    let settings = ConnectionRequestSettings()
    let interval = settings.interval.microseconds
    for (device, wakeup) in database.contents.wakeups.sorted(by: { $0.key < $1.key })
    where wakeup.nextTry <= now && database.locks[.wakeup(device)] == nil {
      let state = database.contents.states[device]
      let wanted = state?.tasks.filter { $0.state == .queued && $0.deadline > now }.map { max($0.notBefore, now) }.min()
      if let asked = wakeup.askedAt, asked > now - interval {
        database.contents.wakeups[device]?.nextTry = asked + interval
      } else if let wanted, wanted > now {
        database.contents.wakeups[device]?.nextTry = wanted
      } else if wanted == nil || state?.session != nil {
        database.contents.wakeups[device]?.nextTry = now + interval
      } else {
        let tries = wakeup.tries + 1
        let wait = WakeupBackoff(settings: settings).wait(
          afterTries: tries, jitter: Double(simulation.between(0, 100)) / 100)
        database.contents.wakeups[device] = SimulatedDatabase.Wakeup(
          nextTry: now + wait.microseconds, tries: tries, askedAt: now)
        if !simulation.fault(30) { simulation.cpes.first { $0.device == device }?.connectionRequest() }
      }
    }
  }
}

extension DeviceState {
  /// Queued tasks that wait for these, and those that wait for them.
  func dependents(of tasks: [UUID128]) -> [UUID128] {
    var all: [UUID128] = []
    var last = tasks
    while !last.isEmpty {
      last = self.tasks.filter { task in
        task.state == .queued && task.dependsOn.map { last.contains($0) } ?? false && !all.contains(task.id)
      }.map(\.id)
      all += last
    }
    return all
  }
}
