import CWMP
import Cryptography
import EventLog
import Fleet

@testable import SessionWorker

/// Holds a history to the promises (docs/architecture.md, section 1).
enum Checker {
  /// P3: an RPC's bytes leave only after its dispatch is committed.
  static func leaving(_ body: [UInt8], _ simulation: Simulation) {
    guard let envelope = try? EnvelopeParser(side: .cpe).parse(body), let id = envelope.id,
      let key = CommandKey(text: id)
    else { return simulation.violated("an RPC without our ID left") }
    if !simulation.database.dispatched.contains(key) {
      simulation.violated("P3: \(key.text) left before its dispatch was committed")
    }
  }

  /// After all has settled.
  static func check(_ simulation: Simulation) {
    let database = simulation.database
    for cpe in simulation.cpes {
      // P1: what was acknowledged was in the log and is folded.
      let logged = Set(simulation.log.messages.joined().filter { $0.kind == .inform }.map(\.session))
      for session in cpe.acknowledged {
        if !logged.contains(session) { simulation.violated("P1: cpe \(cpe.number): an acknowledged Inform is lost") }
        if !database.folded.contains(session) {
          simulation.violated("P1: cpe \(cpe.number): an acknowledged Inform was never folded")
        }
      }
      guard let state = database.states[cpe.device] else {
        simulation.violated("cpe \(cpe.number) was never registered")
        continue
      }
      if let last = cpe.acknowledged.last, state.contact?.session != last {
        simulation.violated("cpe \(cpe.number): its present session is not that of its last Inform")
      }
      // P4: nothing dangerous twice.
      for (key, count) in cpe.executed where count > 1 && isReboot(key, database) {
        simulation.violated("P4: \(key.text) was executed \(count) times")
      }
      if !state.tasks.isEmpty { simulation.violated("P2: cpe \(cpe.number) has \(state.tasks.count) unsettled tasks") }
    }
    tasks(simulation)
    events(simulation)
  }

  /// P2: what the API took ends, once; success means that the CPE did it, and a restart happens at most once.
  private static func tasks(_ simulation: Simulation) {
    let database = simulation.database
    for task in database.accepted {
      let ends = database.finished.filter { $0.task.id == task.id }
      if ends.count != 1 { simulation.violated("P2: task \(task.id.base64URL) ended \(ends.count) times") }
      guard let cpe = simulation.cpes.first(where: { $0.device == task.device }), let end = ends.first else { continue }
      let executions = cpe.executed.filter { $0.key.task == task.id }.map(\.value).reduce(0, +)
      // Any restart is evidence for a Reboot, also one that something else caused.
      if end.state == .succeeded, executions == 0, task.request != .reboot {
        simulation.violated("task \(task.id.base64URL) succeeded and was never executed")
      }
      if task.request == .reboot, executions > 1 {
        simulation.violated("P4: task \(task.id.base64URL) restarted its CPE \(executions) times")
      }
    }
  }

  /// P5: each state change has its event, once, with an id of its own.
  private static func events(_ simulation: Simulation) {
    let database = simulation.database
    let ids = Set(database.events.map(\.id))
    if ids.count != database.events.count { simulation.violated("P5: two events share an id") }
    for (task, state) in database.finished {
      let told = database.events.count {
        $0.event.task?.id == task.id && $0.event.type == "carillon.task.\(state.name).v1"
      }
      if told != 1 { simulation.violated("P5: the end of task \(task.id.base64URL) was told \(told) times") }
    }
  }

  private static func isReboot(_ key: CommandKey, _ database: SimulatedDatabase) -> Bool {
    database.accepted.first { $0.id == key.task }?.request == .reboot
  }
}
