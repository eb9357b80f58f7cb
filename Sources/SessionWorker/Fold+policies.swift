import CWMP
import DataModel
import EventLog
import Fleet
import Policy

// Policies: what they ask of the device, one RPC at a time, planned anew after each answer (docs/architecture.md,
// section 6).
extension Fold {
  /// What policies ask next; notes what of them does not hold, and when nothing is asked, that they were evaluated.
  mutating func nextPlanned() -> PlannedRPC? {
    guard let session = policySession else { return nil }
    let plan = context.shared.policies.plan(
      session, twin: state.twin, now: milliseconds, fingerprint: context.shared.fingerprint)
    state.standings = plan.standings
    for path in plan.notLoaded { effects.append(.alarm("policies read \(path), which was not loaded")) }
    guard let first = plan.rpcs.first else {
      let epoch = context.shared.policyEpoch
      state.contact?.policyEpoch = plan.isCutShort ? 0 : epoch
      state.contact?.nextDue = plan.nextDue.map { $0 * 1000 } ?? .max
      return nil
    }
    return first
  }

  /// A policy's RPC was refused: the policy at fault backs off, the others go on.
  mutating func notePolicyFault(_ task: RPCTask, _ fault: CWMPFault) {
    guard var session = policySession, let rpc = PlannedRPC(task.request) else { return }
    let details = fault.parameters.compactMap { detail in
      ParameterPath(reported: detail.name).map {
        PlannedFault.Detail(path: $0, code: detail.code, text: detail.string)
      }
    }
    context.shared.policies.faulted(
      rpc, fault: PlannedFault(code: fault.code, text: fault.string, details: details), session: &session,
      twin: &state.twin, now: milliseconds)
    state.standings = session.standings
    state.session?.policyState = session.progress.bytes
  }

  /// What the policies know of the device in this session; nil before its first contact.
  private var policySession: PolicySession? {
    guard let device = state.device else { return nil }
    let authentication = state.session?.authentication ?? message.authentication.rawValue
    let isOwn =
      authentication == CPEMessage.Authentication.own.rawValue
      || authentication == CPEMessage.Authentication.pending.rawValue
    var session = PolicySession(
      facts: DeviceFacts(device), events: state.session?.events ?? message.events.map(\.code), maySendSecrets: isOwn,
      standings: state.standings)
    session.progress = PolicySession.Progress(bytes: state.session?.policyState ?? [])
    return session
  }
}

extension DeviceFacts {
  /// What a device's row says, and what an Inform is about to change in it.
  init(_ device: DeviceRow, _ inform: Inform? = nil) {
    self.init()
    identity = device.identity
    manufacturer = inform?.deviceID.manufacturer ?? device.manufacturer
    oui = device.oui
    productClass = device.productClass
    serialNumber = device.serialNumber
    root = RootDataModel(rawValue: inform?.parameters.root ?? device.root)
    let info = (root?.rawValue ?? "") + "DeviceInfo."
    softwareVersion = inform?.parameters.value(of: info + "SoftwareVersion") ?? device.softwareVersion
    hardwareVersion = inform?.parameters.value(of: info + "HardwareVersion") ?? device.hardwareVersion
    tags = Set(device.tags)
  }
}

extension PolicySession.Progress {
  /// Three bytes: the size of reads in two, the flags in one.
  var bytes: [UInt8] {
    let size = UInt16(clamping: readBatch ?? 0)
    return [UInt8(size >> 8), UInt8(size & 0xff), (readsFaulted ? 1 : 0) | (setsAlone ? 2 : 0)]
  }

  /// Reads ``bytes``; anything else is the beginning of a session.
  init(bytes: [UInt8]) {
    self.init()
    guard bytes.count == 3 else { return }
    let size = Int(bytes[0]) << 8 | Int(bytes[1])
    readBatch = size == 0 ? nil : size
    readsFaulted = bytes[2] & 1 != 0
    setsAlone = bytes[2] & 2 != 0
  }
}

extension TaskRequest {
  /// What policies plan, as a task.
  init(_ planned: PlannedRPC) {
    switch planned {
    case .setParameterValues(let values, let key):
      self = .setParameterValues(
        values.map { Setting(name: $0.path.text, value: $0.value, type: $0.type.wireName) }, parameterKey: key)
    case .getParameterValues(let paths): self = .getParameterValues(names: paths.map(\.text))
    case .getParameterNames(let path, let nextLevel): self = .getParameterNames(path: path.text, nextLevel: nextLevel)
    }
  }
}

extension PlannedRPC {
  /// What policies planned, back from its task.
  init?(_ request: TaskRequest) {
    switch request {
    case .setParameterValues(let settings, let key):
      let values = settings.compactMap { ReportedValue(name: $0.name, type: $0.type ?? "", value: $0.value) }
      self = .setParameterValues(values, parameterKey: key)
    case .getParameterValues(let names):
      self = .getParameterValues(names.compactMap { ParameterPath(reported: $0) })
    case .getParameterNames(let path, let nextLevel):
      guard let path = ParameterPath(reported: path) else { return nil }
      self = .getParameterNames(path, nextLevel: nextLevel)
    default: return nil
    }
  }
}
