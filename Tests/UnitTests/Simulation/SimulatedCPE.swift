import CWMP
import Cryptography
import EventLog
import Fleet

@testable import Gateway
@testable import SessionWorker

/// A CPE as TR-069 has them: keeps its events until an InformResponse and its TransferComplete until the answer,
/// retries with back-off, restarts when told to, does what it is asked. It may vanish in mid-session, repeat an empty
/// POST on a new connection, refuse an RPC, lose its ID, and send what crashes its reader.
final class SimulatedCPE {
  static let table = "Device.NAT.PortMapping."
  private static let code = "Device.DeviceInfo.ProvisioningCode"
  private static let key = "Device.ManagementServer.ParameterKey"
  private static let factory = [
    "Device.DeviceInfo.SoftwareVersion": "1.0", code: "", key: "", SimulatedDatabase.path: "factory.example",
  ]

  /// What an RPC makes it do after its session.
  private enum Restart {
    case reboot(String)
    case factoryReset
    case transfer(String)
  }

  let number: Int
  let device: UUID128
  /// Sessions whose Inform was answered, and when it was sent.
  private(set) var acknowledged: [UUID128] = []
  /// How often each RPC was executed, by its cwmp:ID, and in which life between factory resets.
  private(set) var executed: [(key: CommandKey, life: Int)] = []
  private(set) var life = 0
  private(set) var instances: [UInt32] = []
  private unowned let simulation: Simulation
  private let id: DeviceID
  private let parser = EnvelopeParser(side: .cpe)
  private let writer = CPEEnvelopeWriter()
  private var values = SimulatedCPE.factory
  /// What it authenticates with: nil is the shared credential.
  private(set) var password: String?
  private var nextInstance: UInt32 = 1
  private var events: [EventStruct] = []
  private var transfers: [String] = []
  private var restart: Restart?
  private var retries: UInt32 = 0
  /// Goes up with each session: what belongs to an older one is ignored.
  private var attempt = 0
  private var isInSession = false
  /// Tasks that waited when the session began, in calm: its end must not leave them.
  private var expected: [UUID128] = []

  init(_ simulation: Simulation, number: Int) {
    self.simulation = simulation
    self.number = number
    id = DeviceID(manufacturer: "Simulated", oui: "00D09E", productClass: "Box", serialNumber: "S\(number)")
    device = id.id
  }

  func value(_ path: String) -> String? { values[path] }

  /// What stands in each of its Informs.
  var informed: [String] { ["Device.DeviceInfo.SoftwareVersion", Self.code, Self.key] }

  /// Begins its life.
  func boot() {
    events = [EventStruct(.bootstrap), EventStruct(.boot)]
    simulation.after(simulation.between(0, 3_000_000)) { self.begin() }
    periodic()
    for _ in 0..<2 { simulation.after(simulation.between(0, 110 * Simulation.second)) { self.meddle() } }
    // Once more when all is calm and nothing else happens any more.
    simulation.after(simulation.between(400 * Simulation.second, 500 * Simulation.second)) { self.meddle() }
  }

  private func periodic() {
    simulation.after(simulation.between(20_000_000, 40_000_000)) { [self] in
      guard !simulation.isEnding else { return }
      raise(EventStruct(.periodic))
      if !isInSession { begin() }
      periodic()
    }
  }

  /// Its user changes a value; with or without notification.
  private func meddle() {
    values[Self.code] = "by hand \(simulation.between(0, 99))"
    simulation.note("the user of cpe \(number) sets \(values[Self.code] ?? "")")
    guard simulation.chance(50) else { return }
    raise(EventStruct(.valueChange))
    if !isInSession { begin() }
  }

  func connectionRequest() {
    guard !isInSession else { return }
    simulation.after(simulation.between(1_000, 500_000)) { [self] in
      guard !isInSession else { return }
      raise(EventStruct(.connectionRequest))
      begin()
    }
  }

  private func raise(_ event: EventStruct) {
    if !events.contains(event) { events.append(event) }
  }

  // MARK: - Sessions

  private func begin() {
    isInSession = true
    attempt += 1
    let attempt = attempt
    let parameters = informed.map { ParameterValue($0, values[$0] ?? "") }
    let inform = Inform(
      deviceID: id, events: events, retryCount: retries, parameters: ParameterList(parameters))
    let sent = events
    expected = simulation.isSettled ? waiting : []
    simulation.note("cpe \(number) informs \(sent.map(\.code.description)) retry \(retries)")
    let body = writer.inform(inform, id: "1")
    gateway.inform(device, password, body, inform, isPoison: simulation.fault(0.3)) { [self] reply in
      guard attempt == self.attempt else { return }
      guard let (answer, post) = reply, answer == .informed, let post else { return fail() }
      acknowledged.append(post.session)
      let isKept: (EventStruct) -> Bool = { [transfers] event in
        event.code == .transferComplete || transfers.contains(event.commandKey) && event.code == .download
      }
      events.removeAll { sent.contains($0) && !isKept($0) }
      retries = 0
      report(post, attempt)
    }
    // A CPE waits at least 30 s for an answer.
    simulation.after(31_000_000) { [self] in if attempt == self.attempt, isInSession { fail() } }
  }

  private var gateway: SimulatedGateway { simulation.pick(simulation.gateways) }

  /// Tells of its transfers, one after another, then asks what is wanted.
  private func report(_ post: SessionCore.Post, _ attempt: Int) {
    guard let key = transfers.first else { return ask(post, attempt) }
    if simulation.fault(2) { return vanish() }
    let body = writer.request(.transferComplete(TransferComplete(commandKey: key)), id: "T")
    gateway.request(post, body) { [self] reply in
      guard attempt == self.attempt else { return }
      guard let (answer, _) = reply, answer == .requestTaken else { return fail() }
      transfers.removeFirst()
      events.removeAll { $0.code == .download && $0.commandKey == key }
      if transfers.isEmpty { events.removeAll { $0.code == .transferComplete } }
      report(post, attempt)
    }
  }

  private func ask(_ post: SessionCore.Post, _ attempt: Int) {
    if simulation.fault(2) { return vanish() }
    let repeats = simulation.fault(3)
    gateway.empty(post) { [self] reply in
      guard attempt == self.attempt, !repeats else { return }
      take(reply, post, attempt)
    }
    // The first connection is given up and the same POST sent on a new one.
    if repeats {
      simulation.after(simulation.between(1_000, 400_000)) { [self] in
        guard attempt == self.attempt else { return }
        gateway.empty(post) { [self] reply in if attempt == self.attempt { take(reply, post, attempt) } }
      }
    }
  }

  private func take(_ reply: SimulatedGateway.Reply, _ post: SessionCore.Post, _ attempt: Int) {
    guard let (answer, _) = reply else { return fail() }
    switch answer {
    case .nothing: end()
    case .rpc(let body): execute(body, post, attempt)
    default: fail()
    }
  }

  private func execute(_ body: [UInt8], _ post: SessionCore.Post, _ attempt: Int) {
    guard let envelope = try? parser.parse(body), case .acsRequest(let request) = envelope.message,
      let key = envelope.id.flatMap({ CommandKey(text: $0) })
    else { return simulation.violated("cpe \(number) cannot read an RPC") }
    let isOfOperator = simulation.database.contents.tasks[key.task] != nil
    if isOfOperator, simulation.fault(4) {
      simulation.note("cpe \(number) refuses \(request.method.rawValue) \(key.text)")
      let fault = CWMPFault(code: 9002, string: "Internal error")
      return answer(writer.fault(fault, id: envelope.id), key, post, attempt)
    }
    executed.append((key, life))
    simulation.note("cpe \(number) executes \(request.method.rawValue) \(key.text)")
    let response = perform(request)
    if simulation.fault(3) { return vanish() }
    let keepsID = !simulation.fault(2)
    answer(writer.response(response, id: keepsID ? envelope.id : nil), keepsID ? key : nil, post, attempt)
  }

  private func answer(_ body: [UInt8], _ key: CommandKey?, _ post: SessionCore.Post, _ attempt: Int) {
    let id = Array((key?.text ?? "").utf8)
    let then: (SimulatedGateway.Reply) -> Void = { [self] reply in
      if attempt == self.attempt { take(reply, post, attempt) }
    }
    if simulation.fault(1) { return gateway.refused(post, then) }
    gateway.response(post, id, body, isPoison: simulation.fault(0.3), then)
  }

  private func perform(_ request: CWMPRequest) -> CPEResponse {
    switch request {
    case .reboot(let key):
      restart = .reboot(key)
      return .reboot
    case .factoryReset:
      restart = .factoryReset
      return .factoryReset
    case .download(let arguments):
      restart = .transfer(arguments.commandKey)
      return .download(TransferStatus(status: 1))
    case .setParameterValues(let settings, let key):
      for setting in settings { values[setting.name] = setting.value }
      values[Self.key] = key
      take(password: settings.first { $0.name == "Device.ManagementServer.Password" }?.value)
      return .setParameterValues(status: 0)
    case .getParameterValues(let names):
      let asked = values.sorted { $0.key < $1.key }.filter { value in names.contains { value.key.hasPrefix($0) } }
      return .getParameterValues(ParameterList(asked.map { ParameterValue($0.key, $0.value) }))
    case .getParameterNames(let path, _):
      return .getParameterNames(ParameterInfoList(instances.map { ParameterInfo("\(path)\($0).", writable: true) }))
    case .addObject:
      instances.append(nextInstance)
      nextInstance += 1
      return .addObject(instanceNumber: nextInstance - 1, status: 0)
    default: return .getRPCMethods([])
    }
  }

  /// Some use a new password only after a while, and come with the one before until then.
  private func take(password: String?) {
    guard let password else { return }
    let life = life
    let wait = simulation.fault(30) ? simulation.between(0, 20 * Simulation.second) : 0
    simulation.after(wait) { [self] in if life == self.life { self.password = password } }
  }

  // MARK: - Ends

  /// Tasks that wait for this device's next session.
  private var waiting: [UUID128] {
    let database = simulation.database!
    return (database.contents.states[device]?.tasks ?? []).filter {
      $0.state == .queued && $0.notBefore <= database.now && $0.dependsOn == nil && $0.deadline > database.now
        && database.contents.tasks[$0.id] != nil
    }.map(\.id)
  }

  private func end() {
    isInSession = false
    // P6, and the reason why there are sessions at all.
    let left = Set(waiting).intersection(expected)
    if let task = left.min() {
      simulation.violated("P6: cpe \(number) was sent home though \(task.base64URL) waits for it")
    }
    if restartIfTold() || events.allSatisfy({ $0.code == .transferComplete || $0.code == .download }) { return }
    begin()
  }

  private func fail() {
    isInSession = false
    attempt += 1
    if restartIfTold() { return }
    retries += 1
    let wait = simulation.between(5_000_000, 10_000_000) << Int64(min(retries, 3))
    let attempt = attempt
    simulation.after(wait) { [self] in if attempt == self.attempt, !isInSession { begin() } }
  }

  /// Stops in mid-session and is back much later.
  private func vanish() {
    simulation.note("cpe \(number) vanishes")
    attempt += 1
    let attempt = attempt
    simulation.after(simulation.between(1_000_000, 90_000_000)) { [self] in
      guard attempt == self.attempt else { return }
      isInSession = false
      if restartIfTold() { return }
      begin()
    }
  }

  private func restartIfTold() -> Bool {
    guard let restart else { return false }
    self.restart = nil
    attempt += 1
    isInSession = true
    retries = 0
    simulation.note("cpe \(number) restarts: \(restart)")
    simulation.after(simulation.between(2_000_000, 8_000_000)) { [self] in
      raise(EventStruct(.boot))
      switch restart {
      case .reboot(let key): raise(EventStruct(.reboot, commandKey: key))
      case .transfer(let key):
        raise(EventStruct(.transferComplete))
        raise(EventStruct(.download, commandKey: key))
        transfers.append(key)
      case .factoryReset:
        values = Self.factory
        password = nil
        instances = []
        nextInstance = 1
        life += 1
        events = [EventStruct(.bootstrap), EventStruct(.boot)]
        transfers = []
      }
      begin()
    }
    return true
  }
}
