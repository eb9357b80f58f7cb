import Cryptography
import DataModel
import EventLog
import Fleet

extension RPCTask {
  /// Whether the task lives and dies with its session: what policies and preparations ask is asked anew next time.
  var isOfSession: Bool { origin == .policy || origin == .preparation }
}

// Changes of tasks: each goes up in version and tells its event.
extension Fold {
  /// Changes a live task and tells of its new state.
  mutating func change(_ index: Int, _ body: (inout RPCTask) -> Void) {
    let old = state.tasks[index].state
    body(&state.tasks[index])
    state.tasks[index].version += 1
    if state.tasks[index].state != old, !state.tasks[index].isOfSession {
      tellOfTask(state.tasks[index], state.tasks[index].state)
    }
  }

  /// Ends a task: it moves to the history.
  mutating func finish(_ index: Int, _ final: RPCTask.State, result: [UInt8]? = nil, fault: [UInt8]? = nil) {
    var task = state.tasks.remove(at: index)
    task.version += 1
    if let result { task.result = result }
    if let fault { task.fault = fault }
    effects.append(.finished(task, state: final))
    if task.origin != .preparation { tellOfTask(task, final) }
    guard final != .succeeded else { return }
    failDependents(of: task.id)
    // One in doubt may have been sent before; it is not sent again.
    if state.tasks.contains(where: { $0.dependsOn == task.id }) { state.failedPrerequisites.insert(task.id) }
  }

  /// Queues a task again after a fault or a loss, later each time; dead after as many as it may.
  mutating func retry(_ index: Int, fault: [UInt8], countsAsLost: Bool = false) {
    let task = state.tasks[index]
    guard task.attempt < task.maximumAttempts else { return finish(index, .dead, fault: fault) }
    // What was lost on the way is worth the next session; only what is lost again and again waits.
    let wait = countsAsLost && task.lost < 3 ? 0 : retryWait(task)
    let now = now
    change(index) { task in
      task.state = .queued
      task.post = nil
      task.session = nil
      task.fault = fault
      task.notBefore = now + wait
      if countsAsLost { task.lost += 1 }
    }
  }

  /// Exponential from the first wait to the longest, spread over ±25 % by the task's id so that a fleet does not come
  /// back at once.
  private func retryWait(_ task: RPCTask) -> Int64 {
    let doublings = min(Int(max(task.attempt - 1, 0)), 30)
    let wait = min(settings.retryWait << Int64(doublings), settings.longestRetryWait)
    let spread = task.id.bytes.suffix(2).reduce(Int64(0)) { $0 << 8 | Int64($1) }
    return wait * 3 / 4 + wait / 2 * spread / 65_536
  }

  /// What waits for a task that ended without success fails: it was queued while that one ended, or was in doubt then,
  /// or that one was called off.
  mutating func failOrphans() {
    for id in state.failedPrerequisites.sorted() { failDependents(of: id) }
  }

  /// What waited for a task that did not succeed cannot be done.
  private mutating func failDependents(of id: UUID128) {
    while let index = state.tasks.firstIndex(where: { $0.dependsOn == id && $0.state == .queued }) {
      finish(index, .failed, fault: FaultText.dependency)
    }
  }

  /// Adds a task that the fold itself makes.
  @discardableResult
  mutating func add(_ task: RPCTask) -> Int {
    state.tasks.append(task)
    if !task.isOfSession { tellOfTask(task, .queued) }
    return state.tasks.count - 1
  }

  private mutating func tellOfTask(_ task: RPCTask, _ stateNow: RPCTask.State) {
    effects.append(
      .event(
        NorthboundEvent(
          topic: .taskEvents, type: "carillon.task.\(stateNow.name).v1", device: state.id, time: now,
          data: EventData.task(task, stateNow, identity: state.device?.identity ?? ""), task: (task.id, task.version))))
  }
}

extension Fold {
  /// An attempt got no answer, or none that was understood: what it would have set may be set or not, so the twin
  /// knows it no longer, and policies see to it anew.
  mutating func doubtEffects(of task: RPCTask) {
    let paths = task.request.settings.compactMap { ParameterPath(reported: $0.name) }
    guard !paths.isEmpty else { return }
    state.twin.apply(doubted: paths)
    state.contact?.digest = []
  }
}
