import Cryptography
import Fleet

@testable import SessionWorker

// What each task must end as.
extension Checker {
  /// P2: what the API took ends, once, and as it was done. P4: nothing dangerous is done twice.
  static func tasks(_ simulation: Simulation) {
    let contents = simulation.database.contents
    for task in simulation.operators.asked.values.sorted(by: { $0.id < $1.id }) {
      let runs = executions(task.id, simulation)
      if task.once { once(task, runs, simulation) }
      depends(task, runs, simulation)
    }
    for accepted in simulation.operators.accepted {
      let id = accepted.task.id
      let ends = contents.finished.filter { $0.task.id == id }
      guard ends.count == 1, let (task, end) = ends.first else {
        simulation.violated(.p2, "task \(id.base64URL) ended \(ends.count) times")
        continue
      }
      ended(accepted, task, end, simulation)
    }
  }

  private static func executions(_ task: UUID128, _ simulation: Simulation) -> [SimulatedCPE.Execution] {
    simulation.cpes.flatMap(\.executed).filter { $0.key.task == task }
  }

  private static func ended(
    _ accepted: SimulatedOperator.Accepted, _ task: RPCTask, _ end: RPCTask.State, _ simulation: Simulation
  ) {
    let what = "task \(task.id.base64URL) (\(task.request.method))"
    guard let cpe = simulation.cpes.first(where: { $0.device == task.device }) else { return }
    let runs = executions(task.id, simulation)
    if end == .succeeded, runs.isEmpty, !hasOtherEvidence(task, cpe, simulation) {
      simulation.violated(.tasks, "\(what) succeeded, was never executed, and nothing shows that it was")
    }
    if end == .dead { dead(task, what, simulation) }
    let mayFail =
      cpe.refused.contains { $0.task == task.id } || cpe.undone.contains { $0.task == task.id }
      || cpe.cutShort.contains { $0.task == task.id }
    if accepted.isCalm, end != .succeeded, !mayFail {
      simulation.violated(.tasks, "\(what) \(end.name) though all was calm")
    }
  }

  /// As many attempts as it may have had are used up, and one that never left is none.
  private static func dead(_ task: RPCTask, _ what: String, _ simulation: Simulation) {
    let contents = simulation.database.contents
    // A restore counts an attempt that may have been sent since the backup.
    guard contents.restoreCount == 0 else { return }
    let sent = contents.events.count {
      $0.event.task?.id == task.id && $0.event.type == "carillon.task.dispatched.v1"
    }
    let unsent = contents.unsent[task.id] ?? 0
    if sent - unsent < Int(task.maximumAttempts) {
      simulation.violated(
        .tasks, "\(what) is dead after \(sent) attempts, \(unsent) unsent, of \(task.maximumAttempts)")
    }
  }

  /// P4. What a factory reset wiped out may be asked for again, and so what failed or what may be asked for again when
  /// its deadline has passed.
  private static func once(_ task: RPCTask, _ runs: [SimulatedCPE.Execution], _ simulation: Simulation) {
    let undone = Set(simulation.cpes.flatMap(\.undone))
    var lives: [Int: [SimulatedCPE.Execution]] = [:]
    for run in runs where !undone.contains(run.key) {
      let life = if case .addObject = task.request { run.life } else { 0 }
      lives[life, default: []].append(run)
    }
    for runs in lives.values {
      let blind = runs.dropFirst().filter { run in !(task.retriesOnDoubt && run.latest >= task.deadline) }
      if runs.count > 1, blind.isEmpty { simulation.saw(.doubtRetried) }
      if !blind.isEmpty {
        simulation.violated(.p4, "\(task.request.method) \(task.id.base64URL) was executed \(runs.count) times")
      }
    }
  }

  /// What depends on a task is not done before that was.
  private static func depends(_ task: RPCTask, _ runs: [SimulatedCPE.Execution], _ simulation: Simulation) {
    guard let before = task.dependsOn, let first = runs.first else { return }
    simulation.saw(.dependentExecuted)
    guard let done = simulation.database.succeeded[before], done <= first.at else {
      return simulation.violated(
        .tasks, "\(task.id.base64URL) was executed though \(before.base64URL) was not done before")
    }
  }

  /// Any restart that was told after the dispatch is evidence for a Reboot, also one that something else caused, and so
  /// is the end of any diagnostics. What a restore put in doubt may have been sent at any time; and where the
  /// database's clock jumped nobody knows what was before what.
  private static func hasOtherEvidence(_ task: RPCTask, _ cpe: SimulatedCPE, _ simulation: Simulation) -> Bool {
    let database = simulation.database!
    let isUnknown = database.doubted.contains(task.id) || database.jumped
    guard let sent = isUnknown ? 0 : database.firstDispatch[task.id] else { return false }
    return switch task.request {
    case .reboot: cpe.restarts.contains { $0.toldAt > sent }
    case .factoryReset: cpe.restarts.contains { $0.toldAt > sent && $0.isReset }
    case .setParameterValues(let settings, _):
      settings.contains { $0.name == SimulatedDevice.diagnostics } && cpe.diagnosed.contains { $0 > sent }
    default: false
    }
  }
}
