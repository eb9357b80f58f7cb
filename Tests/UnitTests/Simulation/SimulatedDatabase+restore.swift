import Cryptography
import EventLog
import Fleet

@testable import SessionWorker

extension SimulatedDatabase {
  /// Takes a backup and later goes back to it, as `carillon migrate --restored` does.
  func planRestore() {
    simulation.after(simulation.between(5 * Simulation.second, 80 * Simulation.second)) { [self] in
      let backup = contents
      simulation.note("backup")
      simulation.after(simulation.between(Simulation.second, 40 * Simulation.second)) { [self] in restore(backup) }
    }
  }

  private func restore(_ backup: Contents) {
    guard simulation.isFaulty else { return }
    simulation.note("--- restored from the backup")
    simulation.saw(.restored)
    // It is refused while a role is connected: who is cut off goes on as if nothing had been.
    func isConnected(_ process: SimulatedProcess) -> Bool {
      let isCutOff = simulation.now < process.isBack(at: .postgreSQL)
      if isCutOff { simulation.saw(.restoredWithoutOne) }
      return !isCutOff
    }
    for worker in simulation.workers where isConnected(worker.process) { worker.die("for a restore") }
    for gateway in simulation.gateways where isConnected(gateway.process) { gateway.die("for a restore") }
    for scheduler in simulation.schedulers where isConnected(scheduler.process) { scheduler.die("for a restore") }
    rollBack()
    contents = backup
    contents.restoreCount += 1
    for kind in contents.leased.indices {
      for part in contents.leased[kind].claims.indices {
        contents.leased[kind].claims[part].owner = nil
        contents.leased[kind].claims[part].epoch += 1
      }
    }
    findLostRange()
    contents.forgetTwins()
    for id in contents.states.keys.sorted() {
      forget(id)
      if simulation.bug != .restoresBlindly { doubt(id) }
    }
    let ids = contents.states.keys.sorted()
    for id in ids {
      let queued = contents.states[id]?.tasks.filter { $0.state == .queued } ?? []
      if let first = queued.map(\.notBefore).min() { openWakeup(id, at: first) }
    }
    check(ids)
    simulation.operators.forget { self.contents.tasks[$0] == nil }
  }

  private func forget(_ id: UUID128) {
    contents.states[id]?.session = nil
    contents.states[id]?.tasks.removeAll { $0.isOfSession }
    contents.states[id]?.standings = []
    contents.states[id]?.contact?.digest = []
    contents.states[id]?.contact?.policyEpoch = 0
  }

  /// What ``TaskStore/noteRestore(in:)`` does with a device's tasks.
  private func doubt(_ id: UUID128) {
    for index in contents.states[id]?.tasks.indices ?? 0..<0 {
      guard let before = contents.states[id]?.tasks[index] else { continue }
      let task = doubted(before)
      contents.states[id]?.tasks[index] = task
      if task.state == .inDoubt { doubted.insert(task.id) }
      if task.state == .inDoubt, before.state != .inDoubt { tell(task, .inDoubt) }
    }
  }

  private func doubted(_ task: RPCTask) -> RPCTask {
    var task = task
    guard task.once else {
      guard task.state == .dispatched || task.state == .accepted else { return task }
      task.state = .queued
      task.attempt += 1
      task.post = nil
      task.session = nil
      return task
    }
    if task.state == .queued { task.attempt += 1 }
    task.state = .inDoubt
    task.dispatchedAt = nil
    task.post = nil
    task.version += 1
    return task
  }
}
