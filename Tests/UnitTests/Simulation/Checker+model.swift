import Cryptography
import DataModel
import Fleet

@testable import SessionWorker

// What each device must end as.
extension Checker {
  static func model(_ cpe: SimulatedCPE, _ simulation: Simulation) {
    let contents = simulation.database.contents
    func wrong(_ promise: Promise, _ text: String) { simulation.violated(promise, "cpe \(cpe.number) \(text)") }
    guard let state = contents.states[cpe.device] else { return wrong(.p1, "was never registered") }
    if let last = cpe.acknowledged.last, state.contact?.session != last {
      wrong(.knowledge, "has another present session than that of its last Inform")
    }
    if state.session != nil { wrong(.tasks, "has a session that never ended") }
    for task in state.tasks {
      wrong(.tasks, "has an unsettled task: \(task.request.method) \(task.id.base64URL), \(task.state.name)")
    }
    twin(cpe, state, simulation)
    credentials(cpe, state, wrong)
    objects(cpe, simulation, wrong)
  }

  private static func twin(_ cpe: SimulatedCPE, _ state: DeviceState, _ simulation: Simulation) {
    let contents = simulation.database.contents
    func wrong(_ text: String) { simulation.violated(.knowledge, "cpe \(cpe.number) \(text)") }
    let twin = contents.twin(of: cpe.device, .everything)
    for path in cpe.informed + [SimulatedDatabase.path] {
      guard let real = cpe.value(path), let known = ParameterPath(reported: path).flatMap({ twin.text($0) })
      else { continue }
      if real != known { wrong("has \(path) = '\(real)', its twin '\(known)'") }
    }
    let wanted = SimulatedDatabase.wanted[Int(contents.policyEpoch) - 1]
    let kept = cpe.value(SimulatedDatabase.path) ?? ""
    if kept != wanted { wrong("keeps '\(kept)', not what its policy says") }
    if state.device?.provisioningCode != cpe.value(SimulatedDevice.code) {
      wrong("is searched by another ProvisioningCode than it has")
    }
    if state.device?.softwareVersion != cpe.value(SimulatedDevice.version) {
      wrong("is searched by another SoftwareVersion than it has")
    }
  }

  /// Nobody is locked out: each has a password of its own that we know, and we one that it takes of us.
  private static func credentials(
    _ cpe: SimulatedCPE, _ state: DeviceState, _ wrong: (Promise, String) -> Void
  ) {
    let known = state.credential?.secret.map { String(decoding: $0, as: UTF8.self) }
    if cpe.password == nil || cpe.password != known {
      wrong(.access, "has the password '\(cpe.password ?? "")', we '\(known ?? "")'")
    }
    let asks = state.credential?.requestSecret.map { String(decoding: $0, as: UTF8.self) }
    let taken = cpe.value("Device.ManagementServer.ConnectionRequestPassword")
    if taken == nil || taken != asks {
      wrong(.access, "wants '\(taken ?? "")' of a connection request, we have '\(asks ?? "")'")
    }
  }

  /// P4: an object for each AddObject, less those that were deleted, and no more.
  private static func objects(
    _ cpe: SimulatedCPE, _ simulation: Simulation, _ wrong: (Promise, String) -> Void
  ) {
    var count = 0
    for run in cpe.executed where run.life == cpe.model.life {
      switch simulation.operators.asked[run.key.task]?.request {
      case .addObject: count += 1
      case .deleteObject: count -= 1
      default: break
      }
    }
    if count != cpe.model.instances.count { wrong(.p4, "has \(cpe.model.instances.count) objects, not \(count)") }
  }
}
