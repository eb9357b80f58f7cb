import Cryptography
import DataModel
import EventLog
import Fleet

@testable import SessionWorker

/// Operators behind the API: they queue tasks and call some off, change a policy once, add partitions, and remember
/// what they were promised.
final class SimulatedOperator {
  /// A task that the API answered 202 for.
  struct Accepted {
    var task: RPCTask
    /// Whether it was queued when all was calm: then it must be done.
    var isCalm: Bool
  }

  /// A task to be asked for.
  struct Wish {
    var request: TaskRequest
    var once: Bool?
    var dependsOn: UUID128?
  }

  private(set) var accepted: [Accepted] = []
  /// All tasks that were ever asked for, also those that a restore lost.
  private(set) var asked: [UUID128: RPCTask] = [:]
  private unowned let simulation: Simulation
  /// The API's process. It takes calls as long as anybody makes them.
  private let process: SimulatedProcess
  private var count: Int64 = 0

  init(_ simulation: Simulation) {
    self.simulation = simulation
    process = SimulatedProcess(simulation, "API")
  }

  private var database: SimulatedDatabase { simulation.database }

  func start() {
    for _ in 0..<10 { simulation.after(simulation.between(0, 100 * Simulation.second)) { self.queue() } }
    for cpe in simulation.cpes {
      simulation.after(simulation.between(230 * Simulation.second, 260 * Simulation.second)) { self.queue(for: cpe) }
    }
    simulation.after(simulation.between(30 * Simulation.second, 110 * Simulation.second)) { [simulation] in
      simulation.note("an operator changes the policy")
      simulation.database.contents.policyEpoch = 2
    }
    if simulation.chance(50) || simulation.bug?.need == .range {
      simulation.after(simulation.between(10 * Simulation.second, 100 * Simulation.second)) { self.addPartitions() }
    }
  }

  private func addPartitions() {
    database.addPartitions()
    simulation.after(30 * Simulation.second) { self.addPartitions() }
  }

  /// After a restore: what was promised since the backup is lost with it.
  func forget(_ isLost: (UUID128) -> Bool) { accepted.removeAll { isLost($0.task.id) } }

  /// A device that has a credential of its own came with the shared one: it is let in again after a while.
  func release(_ device: UUID128) {
    simulation.note("\(simulation.name(device)) is held")
    simulation.after(simulation.between(Simulation.second, 20 * Simulation.second)) { [database] in
      guard database.isUp else { return }
      database.contents.states[device]?.credential?.readmitUntil = database.now + 3_600 * Simulation.second
    }
  }

  /// Something is wanted of a device whose batch is under way.
  func hurries(_ device: UUID128) {
    guard let cpe = simulation.cpes.first(where: { $0.device == device }) else { return }
    let queued = (database.contents.states[device]?.tasks ?? []).first { $0.state == .queued && asked[$0.id] != nil }
    if let queued, simulation.chance(30) { return callOff(queued) }
    queue(for: cpe)
  }

  // MARK: - Queueing

  private func queue(for chosen: SimulatedCPE? = nil, _ wish: Wish? = nil) {
    let cpe = chosen ?? simulation.pick(simulation.cpes)
    guard database.isUp, database.contents.states[cpe.device]?.device != nil else {
      return simulation.after(2 * Simulation.second) { self.queue(for: chosen) }
    }
    let task = task(for: cpe, wish ?? self.wish(for: cpe))
    let isCalm = simulation.isSettled
    asked[task.id] = task
    simulation.note("an operator asks for \(task.request.method) \(task.id.base64URL) on cpe \(cpe.number)")
    if simulation.bug == .acceptsBeforeCommit { accepted.append(Accepted(task: task, isCalm: isCalm)) }
    // The API's process may die at both sides of its commit.
    guard !simulation.fault(4, .apiDiesBeforeCommit) else { return }
    simulation.after(simulation.between(0, 10_000)) { self.insert(task, isCalm: isCalm) }
    if wish == nil, simulation.fault(25) {
      let next = Wish(request: self.wish(for: cpe).request, dependsOn: task.id)
      let wait = simulation.between(0, 4 * Simulation.second)
      simulation.after(wait) { self.queue(for: cpe, next) }
      if simulation.fault(50) {
        // Another one calls it off at the same moment.
        simulation.after(wait + simulation.between(0, 10_000)) { self.callOff(task) }
      }
    }
  }

  /// Reads what the task depends on, writes, and commits, as ``TaskStore/insert(_:in:)`` in the API's transaction does.
  private func insert(_ task: RPCTask, isCalm: Bool) {
    guard process.reaches(.postgreSQL), let task = resolved(task) else { return }
    let transaction = SimulatedTransaction(database, process)
    transaction.lock([.wakeup(task.device), .contact(task.device)]) { [self] _ in
      let pause = simulation.fault(10) ? simulation.between(3_000, 300_000) : simulation.between(300, 3_000)
      simulation.after(pause) { [self] in
        defer { transaction.end() }
        guard transaction.isOpen, database.contents.states[task.device] != nil else { return }
        note(task)
        database.contents.states[task.device]?.tasks.append(task)
        database.contents.tasks[task.id] = task
        database.openWakeup(task.device, at: task.notBefore)
        database.tell(task, .queued)
        database.check([task.device])
        guard simulation.bug != .acceptsBeforeCommit, !simulation.fault(4, .apiDiesAfterCommit) else { return }
        accepted.append(Accepted(task: task, isCalm: isCalm))
        if simulation.fault(15) {
          simulation.after(simulation.between(0, 5 * Simulation.second)) { self.callOff(task) }
        }
      }
    }
  }

  private func note(_ task: RPCTask) {
    guard let before = task.dependsOn, let end = database.contents.end(of: before), end != .succeeded else { return }
    simulation.saw(.dependentOfEnded)
  }

  /// What depends on a task that is done waits for nothing, and what depends on one that is not to be had is refused.
  private func resolved(_ task: RPCTask) -> RPCTask? {
    guard let before = task.dependsOn else { return task }
    if database.contents.states[task.device]?.index(of: before) != nil { return task }
    guard database.contents.end(of: before) == .succeeded else { return nil }
    var task = task
    task.dependsOn = nil
    return task
  }

  private func task(for cpe: SimulatedCPE, _ wish: Wish) -> RPCTask {
    let now = database.now
    let id = UUID128(
      high: UInt64(now / 1000) << 16 | 0x7000, low: 0x8000_0000_0000_0000 | simulation.random.next() >> 2)
    var task = RPCTask(
      id: id, device: cpe.device, request: wish.request, once: wish.once, origin: .api, createdAt: now,
      deadline: now + 240 * Simulation.second)
    task.dependsOn = wish.dependsOn
    task.priority = Int16(simulation.between(-1, 1))
    guard !simulation.isSettled else { return task }
    if simulation.chance(10) { task.notBefore += simulation.between(0, 20 * Simulation.second) }
    if simulation.chance(20) { task.maximumAttempts = Int32(simulation.between(1, 2)) }
    if task.once, simulation.chance(25) {
      task.retriesOnDoubt = true
      task.deadline = now + 100 * Simulation.second
    }
    return task
  }

  private func wish(for cpe: SimulatedCPE) -> Wish {
    count += 1
    let code = TaskRequest.setParameterValues([.init(name: SimulatedDevice.code, value: "v\(count)")])
    let wishes: [Wish] = [
      Wish(request: .reboot), Wish(request: .reboot), Wish(request: .factoryReset),
      Wish(request: .addObject(path: SimulatedDevice.table)), Wish(request: .addObject(path: SimulatedDevice.table)),
      Wish(request: deletion(on: cpe)), Wish(request: .download(transfer())), Wish(request: .download(transfer())),
      Wish(request: code), Wish(request: code), Wish(request: code, once: true),
      Wish(request: .setParameterValues([.init(name: SimulatedDevice.diagnostics, value: "Requested")])),
      Wish(request: .getParameterValues(names: ["Device.DeviceInfo."])),
      Wish(request: .getParameterNames(path: SimulatedDevice.table, nextLevel: true)),
      Wish(request: .getParameterAttributes(names: [SimulatedDevice.code])),
      Wish(
        request: .setParameterAttributes([
          .init(name: SimulatedDevice.code, notification: Int(simulation.between(0, 2)))
        ])), Wish(request: .getRPCMethods), Wish(request: .scheduleInform(delaySeconds: 5)),
    ]
    return simulation.pick(wishes)
  }

  /// Of an object that we know of.
  private func deletion(on cpe: SimulatedCPE) -> TaskRequest {
    let twin = database.contents.twin(of: cpe.device, .everything)
    let known = twin.instances(of: UnitTests.path(SimulatedDevice.table))?.numbers ?? []
    guard !known.isEmpty else { return .addObject(path: SimulatedDevice.table) }
    return .deleteObject(path: "\(SimulatedDevice.table)\(simulation.pick(known)).")
  }

  private func transfer() -> TaskRequest.Transfer {
    let file = simulation.pick(
      ["v\(count)", "v\(count)", "config", "cached"] + (simulation.isSettled ? [] : ["missing"]))
    return .init(
      fileType: "1 Firmware Upgrade Image", url: "http://files.example/\(file)",
      softwareVersion: file.hasPrefix("v") && simulation.chance(50) ? file : "")
  }

  // MARK: - Ending

  /// What the API does when a queued task is called off: it waits for a batch that has locked it.
  private func callOff(_ task: RPCTask) {
    guard process.reaches(.postgreSQL) else { return }
    let transaction = SimulatedTransaction(database, process)
    if database.locks[.task(task.id)] != nil { simulation.saw(.callingOffWaits) }
    transaction.lock([.task(task.id)]) { [self] isLocked in
      guard isLocked, database.contents.states[task.device]?.queued(task.id) != nil else { return transaction.end() }
      transaction.lock([.wakeup(task.device), .contact(task.device)]) { [self] _ in
        simulation.after(simulation.between(300, 3_000)) { [self] in
          defer { transaction.end() }
          guard transaction.isOpen else { return }
          simulation.saw(.cancelled)
          database.end([task.id], of: task.device, as: .cancelled)
        }
      }
    }
  }
}

extension DeviceState {
  func queued(_ task: UUID128) -> RPCTask? { tasks.first { $0.id == task && $0.state == .queued } }
}

extension SimulatedDatabase {
  /// What ``TaskStore/finish(_:_:fault:in:)`` does with queued tasks of a device that are locked.
  func end(_ ids: [UUID128], of device: UUID128, as state: RPCTask.State) {
    for id in ids {
      guard var task = contents.states[device]?.queued(id) else { continue }
      contents.states[device]?.tasks.removeAll { $0.id == id }
      task.version += 1
      simulation.note("\(id.base64URL) is \(state.name)")
      contents.finished.append((task, state))
      tell(task, state)
    }
    if contents.states[device]?.tasks.contains(where: { $0.state == .queued }) == false {
      contents.wakeups[device] = nil
    }
    check([device])
  }
}
