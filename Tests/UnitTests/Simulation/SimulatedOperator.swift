import Cryptography
import EventLog
import Fleet

@testable import SessionWorker

/// Operators behind the API: they queue tasks and call some off, change a policy once, and remember what they were
/// promised.
final class SimulatedOperator {
  /// A task that the API answered 202 for.
  struct Promise {
    var task: RPCTask
    /// Whether it was queued when all was calm: then it must be done.
    var isCalm: Bool
  }

  private(set) var promises: [Promise] = []
  /// All tasks that were ever asked for, also those that a restore lost.
  private(set) var asked: [UUID128: RPCTask] = [:]
  private unowned let simulation: Simulation
  private var count: Int64 = 0

  init(_ simulation: Simulation) { self.simulation = simulation }

  func start() {
    for _ in 0..<10 { simulation.after(simulation.between(0, 100 * Simulation.second)) { self.queue() } }
    for cpe in simulation.cpes {
      simulation.after(simulation.between(230 * Simulation.second, 260 * Simulation.second)) {
        self.queue(for: cpe)
      }
    }
    simulation.after(simulation.between(30 * Simulation.second, 110 * Simulation.second)) { [simulation] in
      simulation.note("an operator changes the policy")
      simulation.database.contents.policyEpoch = 2
    }
    if simulation.chance(50) {
      simulation.after(simulation.between(10 * Simulation.second, 100 * Simulation.second)) { self.addPartitions() }
    }
  }

  private func addPartitions() {
    simulation.database.addPartitions()
    simulation.after(30 * Simulation.second) { self.addPartitions() }
  }

  /// After a restore: what was promised since the backup is lost with it.
  func forget(_ isLost: (UUID128) -> Bool) { promises.removeAll { isLost($0.task.id) } }

  /// A device that has a credential of its own came with the shared one: it is let in again after a while.
  func release(_ device: UUID128) {
    simulation.note("\(simulation.name(device)) is held")
    simulation.after(simulation.between(Simulation.second, 20 * Simulation.second)) { [simulation] in
      let database = simulation.database!
      guard database.isUp, database.locks[device] == nil else { return }
      database.contents.states[device]?.credential?.readmitUntil = database.now + 3_600 * Simulation.second
    }
  }

  // MARK: - Requests

  private func queue(for chosen: SimulatedCPE? = nil) {
    let cpe = chosen ?? simulation.pick(simulation.cpes)
    let database = simulation.database!
    guard database.isUp, database.contents.states[cpe.device]?.device != nil else {
      return simulation.after(2 * Simulation.second) { self.queue(for: chosen) }
    }
    count += 1
    let requests: [TaskRequest] = [
      .reboot, .reboot, .addObject(path: SimulatedCPE.table), .factoryReset,
      .download(.init(fileType: "1 Firmware Upgrade Image", url: "http://files.example/image")),
      .setParameterValues([.init(name: "Device.DeviceInfo.ProvisioningCode", value: "v\(count)")]),
      .setParameterValues([.init(name: "Device.DeviceInfo.ProvisioningCode", value: "v\(count)")]),
      .getParameterValues(names: ["Device.DeviceInfo."]),
    ]
    let request = simulation.pick(requests)
    let now = database.now
    let id = UUID128(
      high: UInt64(now / 1000) << 16 | 0x7000, low: 0x8000_0000_0000_0000 | simulation.random.next() >> 2)
    let task = RPCTask(
      id: id, device: cpe.device, request: request, origin: .api, createdAt: now,
      deadline: now + 240 * Simulation.second)
    let promise = Promise(task: task, isCalm: simulation.isSettled)
    asked[id] = task
    simulation.note("an operator asks for \(request.method) \(id.base64URL) on cpe \(cpe.number)")
    if simulation.bug == .acceptsBeforeCommit { promises.append(promise) }
    // The API's process may die at both sides of its commit.
    guard !simulation.fault(4) else { return }
    simulation.after(simulation.between(500, 20_000)) { [self] in
      guard database.isUp, database.contents.states[cpe.device] != nil else { return }
      database.contents.states[cpe.device]?.tasks.append(task)
      database.contents.tasks[id] = task
      guard simulation.bug != .acceptsBeforeCommit, !simulation.fault(4) else { return }
      promises.append(promise)
      if simulation.fault(15) {
        simulation.after(simulation.between(0, 5 * Simulation.second)) { self.end(id, of: cpe.device, as: .cancelled) }
      }
    }
  }

  /// Ends a queued task, as the API does when it is called off and the scheduler when it expires; both wait for a
  /// batch that has locked it, and give up after a while.
  func end(_ id: UUID128, of device: UUID128, as state: RPCTask.State, tries: Int = 0) {
    let database = simulation.database!
    guard database.isUp, tries < 100 else { return }
    guard database.locks[device] == nil else {
      return simulation.after(50_000) { self.end(id, of: device, as: state, tries: tries + 1) }
    }
    guard let index = database.contents.states[device]?.index(of: id),
      var task = database.contents.states[device]?.tasks[index], task.state == .queued
    else { return }
    database.contents.states[device]?.tasks.remove(at: index)
    task.version += 1
    simulation.note("\(id.base64URL) is \(state.name)")
    database.contents.finished.append((task, state))
    database.tell([
      (
        UUID128.named("\(id)/\(task.version)/\(database.contents.restoreCount)", in: UUID128(high: 2, low: 2)),
        NorthboundEvent(
          topic: .taskEvents, type: "carillon.task.\(state.name).v1", device: device, time: database.now, data: [],
          task: (id, task.version))
      )
    ])
  }
}
