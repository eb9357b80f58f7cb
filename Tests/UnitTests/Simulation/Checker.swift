import CWMP
import Cryptography
import DataModel
import EventLog
import Fleet

@testable import SessionWorker

/// Holds a history to the promises (docs/architecture.md, section 1), and each device to what it must end as.
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
    informs(simulation)
    tasks(simulation)
    for cpe in simulation.cpes { model(cpe, simulation) }
    events(simulation)
  }

  /// P1: what was acknowledged was in the log and is folded. P7: also behind a record that crashes its reader.
  private static func informs(_ simulation: Simulation) {
    let logged = Set(
      simulation.log.records.joined().compactMap { record -> UUID128? in
        guard let message = try? CPEMessage(record, seal: simulation.seal), message.kind == .inform else { return nil }
        return message.session
      })
    for cpe in simulation.cpes {
      for session in cpe.acknowledged {
        if !logged.contains(session) { simulation.violated("P1: cpe \(cpe.number): an acknowledged Inform is lost") }
        if !simulation.database.contents.folded.contains(session) {
          simulation.violated("P1, P7: cpe \(cpe.number): an acknowledged Inform was never folded")
        }
      }
    }
  }

  // MARK: - Devices

  /// What a device must end as.
  private static func model(_ cpe: SimulatedCPE, _ simulation: Simulation) {
    let contents = simulation.database.contents
    func wrong(_ text: String) { simulation.violated("cpe \(cpe.number) \(text)") }
    guard let state = contents.states[cpe.device] else { return wrong("was never registered") }
    if let last = cpe.acknowledged.last, state.contact?.session != last {
      wrong("has another present session than that of its last Inform")
    }
    if state.session != nil { wrong("has a session that never ended") }
    for task in state.tasks {
      wrong("has an unsettled task (P2): \(task.request.method) \(task.id.base64URL), \(task.state.name)")
    }
    let twin = contents.twin(of: cpe.device, .everything)
    for path in cpe.informed + [SimulatedDatabase.path] {
      guard let real = cpe.value(path), let known = ParameterPath(reported: path).flatMap({ twin.text($0) })
      else { continue }
      if real != known { wrong("has \(path) = '\(real)', its twin '\(known)'") }
    }
    let wanted = SimulatedDatabase.wanted[Int(contents.policyEpoch) - 1]
    let kept = cpe.value(SimulatedDatabase.path) ?? ""
    if kept != wanted { wrong("keeps '\(kept)', not what its policy says") }
    if state.device?.provisioningCode != cpe.value("Device.DeviceInfo.ProvisioningCode") {
      wrong("is searched by another ProvisioningCode than it has")
    }
    // Nobody is locked out: each has a password of its own that we know, and we one that it takes of us.
    let known = state.credential?.secret.map { String(decoding: $0, as: UTF8.self) }
    if cpe.password == nil || cpe.password != known {
      wrong("has the password '\(cpe.password ?? "")', we '\(known ?? "")'")
    }
    let asks = state.credential?.requestSecret.map { String(decoding: $0, as: UTF8.self) }
    let taken = cpe.value("Device.ManagementServer.ConnectionRequestPassword")
    if taken == nil || taken != asks {
      wrong("wants '\(taken ?? "")' of a connection request, we have '\(asks ?? "")'")
    }
    // P4: an object for each AddObject and no more.
    let added = cpe.executed.filter { run in
      guard run.life == cpe.life, case .addObject = request(run.key, simulation) else { return false }
      return true
    }
    if added.count != cpe.instances.count { wrong("has \(cpe.instances.count) objects for \(added.count) AddObjects") }
  }

  private static func request(_ key: CommandKey, _ simulation: Simulation) -> TaskRequest? {
    simulation.operators.asked[key.task]?.request
  }

  // MARK: - Tasks

  /// P2: what the API took ends, once, and as it was done. P4: nothing dangerous is done twice.
  private static func tasks(_ simulation: Simulation) {
    let contents = simulation.database.contents
    for task in contents.tasks.values.sorted(by: { $0.id < $1.id }) where task.once { once(task, simulation) }
    for promise in simulation.operators.promises {
      let id = promise.task.id
      let ends = contents.finished.filter { $0.task.id == id }.map(\.state)
      guard ends.count == 1, let end = ends.first else {
        simulation.violated("P2: task \(id.base64URL) ended \(ends.count) times")
        continue
      }
      let times = executions(id, simulation).count
      if end == .succeeded, times == 0, !hasOtherEvidence(promise.task.request) {
        simulation.violated("task \(id.base64URL) (\(promise.task.request.method)) succeeded and was never executed")
      }
      if promise.isCalm, end != .succeeded {
        simulation.violated("task \(id.base64URL) (\(promise.task.request.method)) \(end.name) though all was calm")
      }
    }
  }

  private static func executions(_ task: UUID128, _ simulation: Simulation) -> [(key: CommandKey, life: Int)] {
    simulation.cpes.flatMap(\.executed).filter { $0.key.task == task }
  }

  private static func once(_ task: RPCTask, _ simulation: Simulation) {
    var lives: [Int: Int] = [:]
    for run in executions(task.id, simulation) {
      // What a factory reset wiped out may be asked for again.
      let life = if case .addObject = task.request { run.life } else { 0 }
      lives[life, default: 0] += 1
    }
    if let times = lives.values.max(), times > 1 {
      simulation.violated("P4: \(task.request.method) \(task.id.base64URL) was executed \(times) times")
    }
  }

  /// Any restart is evidence for a Reboot, also one that something else caused.
  private static func hasOtherEvidence(_ request: TaskRequest) -> Bool {
    request == .reboot || request == .factoryReset
  }

  // MARK: - Events

  /// P5: each state change has its event, once, with an id of its own.
  private static func events(_ simulation: Simulation) {
    let contents = simulation.database.contents
    if Set(contents.events.map(\.id)).count != contents.events.count {
      simulation.violated("P5: two events share an id")
    }
    for (task, state) in contents.finished where !task.isOfSession {
      let told = contents.events.count {
        $0.event.task?.id == task.id && $0.event.type == "carillon.task.\(state.name).v1"
      }
      if told != 1 { simulation.violated("P5: the end of task \(task.id.base64URL) was told \(told) times") }
    }
  }
}
