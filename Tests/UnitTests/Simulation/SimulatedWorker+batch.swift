import CWMP
import Cryptography
import DataModel
import EventLog
import Fleet

@testable import SessionWorker

// A batch's transaction: swap, load, fold, write, commit; then the directives.
extension SimulatedWorker {
  /// What one batch carries from step to step.
  struct Work {
    var batch: Batch
    var records: [LogRecord]
    var moves: [Move]
    var transaction: SimulatedTransaction
    var swappedAt: Int64
    /// When its rows were written.
    var writtenAt: Int64 = 0
    var before: [UUID128: DeviceState] = [:]
    var outcome: BatchFold.Outcome
    /// What each event is told for.
    var sources: [String?] = []
    /// Attempts that were given back unsent.
    var unsent: [UUID128] = []
    var done: () -> Void
  }

  /// Whether folding one of these would crash the process.
  func crashes(_ records: [LogRecord]) -> Bool {
    crashes(classified(Batch(understood(records), opening: simulation.seal)))
  }

  private func crashes(_ batch: Batch) -> Bool {
    batch.inputs.contains { !$0.isTrivial && $0.message.peer == "poison" }
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

  /// - Parameter records: as they stand on the log.
  func commit(_ batch: consuming Batch, _ records: [LogRecord], _ done: @escaping () -> Void) {
    let batch = batch
    guard process.reaches(.postgreSQL) else {
      if database.isUp { simulation.saw(.workerWithoutPostgreSQL) }
      return giveUp(nil, done)
    }
    guard let moves = moves(records) else { return giveUp(nil, done) }
    let transaction = SimulatedTransaction(database, process)
    self.transaction = transaction
    let claims = simulation.bug == .commitsWithoutSwap ? [] : moves
    transaction.lock(claims.map { .claim(.messages, $0.part) }) { [self] isLocked in
      guard isLocked else { return giveUp(transaction, done) }
      guard stand(claims) else {
        simulation.note("\(process.name) finds a partition moved or claimed by another")
        simulation.saw(.swapRefused)
        return giveUp(transaction, done)
      }
      load(
        Work(
          batch: classified(batch), records: records, moves: moves, transaction: transaction, swappedAt: database.now,
          outcome: BatchFold.Outcome(states: [:]), done: done))
    }
  }

  private func giveUp(_ transaction: SimulatedTransaction?, _ done: () -> Void) {
    transaction?.abandon()
    self.transaction = nil
    reseek()
    done()
  }

  /// The devices with their tasks, which are locked: others change those, too.
  private func load(_ work: Work) {
    var work = work
    guard !crashes(work.batch) else {
      simulation.saw(.workerDiesOfRecord)
      return die("of a record")
    }
    work.batch.parse(parser)
    let devices = work.batch.devicesToLoad
    // What is queued while this waits it does not see.
    let tasks = devices.flatMap { database.contents.states[$0]?.tasks ?? [] }.map(\.id)
    work.transaction.lock(tasks.map { .task($0) }) { [self, work] isLocked in
      guard isLocked else { return giveUp(work.transaction, work.done) }
      fold(work, Set(tasks))
    }
  }

  private func fold(_ work: Work, _ tasks: Set<UUID128>) {
    var work = work
    let devices = work.batch.devicesToLoad
    for device in devices { work.batch.states[device] = loaded(device, tasks) }
    let scope = work.batch.scope(database.engine)
    for device in devices { work.batch.states[device]?.twin = database.contents.twin(of: device, scope) }
    work.before = work.batch.states
    noteInputs(work)
    fold(&work)
    if simulation.bug == .sendsBeforeCommit { tell(work.outcome) }
    if simulation.fault(1, .workerDiesBeforeCommit) { return die("before its commit") }
    if simulation.fault(0.5) {
      process.stop(for: simulation.between(7, 15) * Simulation.second, .workerStopsInTransaction)
    }
    for device in devices where simulation.fault(4) {
      simulation.after(simulation.between(0, 2_000)) { [simulation] in simulation.operators.hurries(device) }
    }
    let pause = simulation.fault(5) ? simulation.between(8_000, 300_000) : simulation.between(500, 8_000)
    process.after(pause) { [self, work] in write(work) }
  }

  private func loaded(_ device: UUID128, _ tasks: Set<UUID128>) -> DeviceState {
    var state = database.contents.states[device] ?? DeviceState(id: device)
    state.tasks.removeAll { !tasks.contains($0.id) }
    if simulation.bug != .sendsOrphans {
      let waiting = state.tasks.filter { $0.state == .queued || $0.state == .inDoubt }
      let ended = waiting.compactMap(\.dependsOn).filter { before in
        database.contents.end(of: before).map { $0 != .succeeded } ?? false
      }
      state.failedPrerequisites = Set(ended)
    }
    if simulation.bug == .repeatsOnce { for index in state.tasks.indices { state.tasks[index].once = false } }
    return state
  }

  /// Rows that others write too are locked before they are written, and those that the batch does not know of kept.
  private func write(_ work: Work) {
    let devices = work.outcome.states.keys.sorted()
    work.transaction.lock(
      devices.map { SimulatedTransaction.Row.wakeup($0) } + devices.map { .contact($0) }
    ) { [self] isLocked in
      guard isLocked else { return giveUp(work.transaction, work.done) }
      var work = work
      work.writtenAt = database.now
      process.after(simulation.between(300, 3_000)) { [self, work] in commit(work) }
    }
  }

  private func commit(_ work: Work) {
    guard work.transaction.isOpen else { return giveUp(work.transaction, work.done) }
    // A commit whose outcome is not known: it happened, or not.
    let isUnknown = simulation.fault(1)
    if isUnknown, simulation.chance(50) {
      simulation.saw(.commitUnknownUndone)
      return giveUp(work.transaction, work.done)
    }
    for move in work.moves {
      simulation.note("\(process.name) commits \(move.part)/\(move.from) to \(move.to - 1)")
    }
    move(work.moves, swappedAt: work.swappedAt)
    persist(work)
    work.transaction.end()
    if isUnknown {
      simulation.saw(.commitUnknownDone)
      return giveUp(nil, work.done)
    }
    if simulation.fault(1, .workerDiesAfterCommit) { return die("after its commit") }
    noteMoved(work.moves)
    transaction = nil
    if simulation.fault(0.3) {
      process.stop(for: simulation.between(1, 15) * Simulation.second, .workerStopsBeforeDirectives)
    }
    if simulation.bug != .sendsBeforeCommit {
      process.after(simulation.between(200, 5_000)) { [self] in tell(work.outcome) }
    }
    work.done()
  }

  // MARK: - The fold

  private func fold(_ work: inout Work) {
    let incarnation = UUID128(
      high: 1, low: simulation.bug == .renamesReplays ? UInt64(database.contents.restoreCount) : 1)
    var inputs = work.batch.inputs
    if simulation.bug == .noTakeover { inputs.removeAll { isTakeover($0.message) } }
    if simulation.bug == .forgetsLateEvents { inputs.removeAll { isLate($0.message) } }
    if simulation.bug == .replacesPending {
      for input in inputs where input.message.authentication == .bootstrap {
        work.batch.states[input.message.device]?.credential?.pendingSecret = nil
      }
    }
    let shared = Fold.Context.Shared(
      policies: database.engine, policyEpoch: database.contents.policyEpoch, settings: settings, now: database.now,
      secrets: PlainSecrets(), fingerprint: TwinTests.fingerprint)
    work.outcome = BatchFold.fold(inputs, work.batch.states, incarnation: incarnation, shared: shared)
    attribute(inputs, &work, incarnation, shared)
    work.batch.addDeadLetters(to: &work.outcome, incarnation: incarnation, shared: shared)
  }

  private var settings: FoldSettings {
    var settings = FoldSettings()
    settings.givesCredentials = true
    settings.retryWait = 2_000_000
    settings.bootPatience = simulation.bug == .takesSilenceForProof ? 0 : 150 * Simulation.second
    return settings
  }

  private func isTakeover(_ message: CPEMessage) -> Bool {
    guard let session = database.contents.states[message.device]?.session else { return false }
    return message.kind == .inform && session.id != message.session
  }

  private func isLate(_ message: CPEMessage) -> Bool {
    guard let contact = database.contents.states[message.device]?.contact, message.kind == .inform else { return false }
    let age = contact.session.time - message.session.time
    return age > 0 && (age <= 15_000 || message.isPoured)
  }

  /// Folds record by record once more, to know what each event was told for and which attempts came back unsent.
  private func attribute(
    _ inputs: [BatchFold.Input], _ work: inout Work, _ incarnation: UUID128, _ shared: Fold.Context.Shared
  ) {
    let given = Set(inputs.filter { $0.message.kind == .unsent }.map(\.message.device))
    let told = simulation.isRestored ? Set(work.outcome.events.map(\.event.device)) : []
    var states = work.batch.states
    var sources: [UUID128: [String]] = [:]
    for input in inputs {
      let device = input.message.device
      guard given.contains(device) || told.contains(device) else { continue }
      let step = BatchFold.fold([input], states.filter { $0.key == device }, incarnation: incarnation, shared: shared)
      states[device] = step.states[device]
      var counts: [String: Int] = [:]
      for (_, event) in step.events {
        let what = "\(event.type) \(event.task.map { "\($0.id.base64URL) \($0.version)" } ?? "")"
        counts[what, default: 0] += 1
        sources[device, default: []].append("\(input.partition)/\(input.offset) \(what) \(counts[what] ?? 0)")
        if input.message.kind == .unsent, let task = event.task?.id, event.type == "carillon.task.queued.v1" {
          work.unsent.append(task)
          simulation.saw(.unsentGivenBack)
        }
      }
    }
    guard !told.isEmpty else { return }
    for (_, event) in work.outcome.events { work.sources.append(sources[event.device]?.removeFirst()) }
  }

  private func noteInputs(_ work: Work) {
    for input in work.batch.inputs {
      simulation.saw(Exercise(input.message.kind))
      if input.isTrivial { simulation.saw(.trivialInform) }
      if isLate(input.message) {
        simulation.saw(.lateInform)
        simulation.note("\(process.name) finds \(input.partition)/\(input.offset) overtaken")
      }
    }
    guard simulation.hasVersions else { return }
    for record in work.records where record.headers.first("what-comes") != nil {
      if CPEMessage.isNewer(record) { simulation.saw(.newerRecordFolded) }
      if !process.isNewer { simulation.saw(.newerRevisionFolded) }
    }
  }

  // MARK: - What is written

  private func persist(_ work: Work) {
    let (outcome, trivial) = (work.outcome, work.batch.trivialDevices)
    for id in outcome.states.keys.sorted() {
      guard var after = outcome.states[id] else { continue }
      guard !trivial.contains(id) else {
        database.contents.states[id]?.contact = after.contact
        continue
      }
      database.contents.write(after.twin.takeWrites(), of: id)
      if simulation.bug == .countsUnsent {
        for index in after.tasks.indices
        where after.tasks[index].state == .queued && work.unsent.contains(after.tasks[index].id) {
          after.tasks[index].attempt += after.tasks[index].maximumAttempts
        }
      }
      let before = work.before[id] ?? DeviceState(id: id)
      for index in after.tasks.indices {
        // As the statement has it: what is dispatched now goes out after this.
        let (task, known) = (after.tasks[index], before.tasks.first { $0.id == after.tasks[index].id })
        if task.dispatchedAt != nil, task.dispatchedAt != known?.dispatchedAt {
          after.tasks[index].dispatchedAt = work.writtenAt
        }
      }
      persist(after, before: before)
    }
    for (task, state) in outcome.finished {
      simulation.note("\(process.name) ends \(task.id.base64URL): \(state.name)")
      if state == .succeeded { database.succeeded[task.id] = database.succeeded[task.id] ?? simulation.now }
    }
    for (directive, _) in outcome.directives where directive.verdict == .send {
      guard let key = CommandKey(text: directive.cwmpID) else { continue }
      database.dispatches.insert(SimulatedDatabase.Dispatch(attempt: key, post: directive.post.bytes))
    }
    for task in work.unsent { database.contents.unsent[task, default: 0] += 1 }
    database.contents.finished += outcome.finished
    if simulation.bug == .tellsAfterCommit {
      process.after(simulation.between(200, 9_000)) { [self] in database.tell(outcome.events) }
    } else {
      database.tell(outcome.events, sources: work.sources)
    }
    note(work)
    database.check(outcome.states.keys.sorted())
  }

  private func persist(_ after: DeviceState, before: DeviceState) {
    var after = after
    let now = database.contents.states[after.id]
    for task in after.tasks where before.tasks.first(where: { $0.id == task.id })?.state != task.state {
      simulation.note("\(process.name): \(task.request.method) \(task.id.base64URL) is \(task.state.name)")
    }
    for task in after.tasks where task.isOfSession || task.state == .dispatched {
      guard after.session?.outstanding?.task != task.id else { continue }
      simulation.violated(.p2, "task \(task.id.base64URL) is \(task.state.name) and no session awaits its answer")
    }
    for task in after.tasks where task.awaitsEvidence {
      database.firstDispatch[task.id] = database.firstDispatch[task.id] ?? simulation.now
    }
    // The API writes tasks meanwhile: those that the batch did not load are not its to change.
    let known = Set(before.tasks.map(\.id))
    let new = (now?.tasks ?? []).filter { !known.contains($0.id) }
    if !new.isEmpty { simulation.saw(.queuedDuringBatch) }
    persistWakeup(after, before, hasNew: !new.isEmpty && simulation.bug != .closesOthersWakeup)
    after.tasks += new
    if after.credential == before.credential { after.credential = now?.credential }
    if after.device != nil || after.contact != nil { database.contents.states[after.id] = after }
  }

  /// As ``BatchWriter`` has it; a wake-up that is another's is kept.
  private func persistWakeup(_ after: DeviceState, _ before: DeviceState, hasNew: Bool) {
    let queued = after.tasks.filter { $0.state == .queued && !$0.isOfSession }.map(\.notBefore)
    if let first = queued.min(), after.session == nil {
      database.openWakeup(after.id, at: max(first, database.now + 5 * Simulation.second))
    } else if !hasNew {
      database.contents.wakeups[after.id] = nil
    }
  }

  /// What was folded, or is among the dead letters.
  private func note(_ work: Work) {
    for record in work.records {
      guard let message = try? CPEMessage(RecordOfNextVersion.read(record), seal: simulation.seal),
        message.kind == .inform
      else { continue }
      database.contents.folded.insert(message.session)
    }
    for letter in work.batch.deadLetters {
      simulation.saw(.deadLetter)
      if let message = try? CPEMessage(RecordOfNextVersion.read(letter.record), seal: simulation.seal) {
        database.contents.deadLetters.insert(message.session)
      }
    }
  }

  /// Directives, after the commit.
  private func tell(_ outcome: BatchFold.Outcome) {
    for (directive, partition) in outcome.directives where !simulation.fault(2, .directiveLost) {
      for _ in 0..<(simulation.fault(2, .directiveTwice) ? 2 : 1) {
        simulation.after(simulation.between(200, 20_000)) { [self] in
          if process.reaches(.log) { simulation.gateways[Int(partition)].take(directive) }
        }
      }
    }
  }
}
