import Cryptography
import EventLog
import Fleet

@testable import SessionWorker

/// The scheduler: lost sessions, deadlines, connection requests. Now and then two of them do the same.
final class SimulatedScheduler {
  private unowned let simulation: Simulation

  init(_ simulation: Simulation) { self.simulation = simulation }

  func start() { sweep() }

  private func sweep() {
    simulation.after(simulation.between(3 * Simulation.second, 6 * Simulation.second)) { self.sweep() }
    guard simulation.database.isUp, !simulation.fault(5) else { return }
    for _ in 0..<(simulation.fault(5) ? 2 : 1) { round() }
  }

  private func round() {
    let database = simulation.database!
    let now = database.now
    for (id, state) in database.contents.states.sorted(by: { $0.key < $1.key }) {
      if let session = state.session, session.lastPostAt + Int64(session.lostAfter) * Simulation.second <= now {
        simulation.log.append(
          CPEMessage(.lost, device: id, session: session.id), in: database.contents.ranges, at: now)
      }
      for task in state.tasks where task.deadline <= now && !task.state.isFinal {
        if task.state == .queued {
          expire(task)
        } else {
          var message = CPEMessage(.due, device: id, session: .zero)
          message.task = task.id
          message.attempt = task.attempt
          simulation.log.append(message, in: database.contents.ranges, at: now)
        }
      }
      if state.session == nil, state.tasks.contains(where: { $0.state == .queued && $0.notBefore <= now }),
        !simulation.fault(30)
      {
        simulation.cpes.first { $0.device == id }?.connectionRequest()
      }
    }
  }

  /// Queued rows past their deadline are the scheduler's own to end.
  private func expire(_ task: RPCTask) {
    simulation.operators.end(task.id, of: task.device, as: .expired)
  }
}
