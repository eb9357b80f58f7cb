import CWMP
import Cryptography
import EventLog
import Fleet

@testable import Gateway

/// A CPE as TR-069 has them: keeps its events until an InformResponse, retries with back-off, restarts when told to,
/// answers what it is asked. It may vanish in mid-session, and repeat an empty POST on a new connection.
final class SimulatedCPE {
  let number: Int
  let device: UUID128
  /// Sessions whose Inform was answered.
  private(set) var acknowledged: [UUID128] = []
  /// How often each RPC was executed, by its cwmp:ID.
  private(set) var executed: [CommandKey: Int] = [:]
  private(set) var provisioningCode = ""
  private unowned let simulation: Simulation
  private let id: DeviceID
  private let parser = EnvelopeParser(side: .cpe)
  private let writer = CPEEnvelopeWriter()
  private var events: [EventStruct] = []
  private var restart: String?
  private var retries: UInt32 = 0
  /// Goes up with each session: what belongs to an older one is ignored.
  private var attempt = 0
  private var isInSession = false

  init(_ simulation: Simulation, number: Int) {
    self.simulation = simulation
    self.number = number
    id = DeviceID(manufacturer: "Simulated", oui: "00D09E", productClass: "Box", serialNumber: "S\(number)")
    device = id.id
  }

  /// Begins with these events.
  func boot(_ codes: [String]) {
    events = codes.map { EventStruct(EventCode($0)) }
    simulation.after(simulation.between(0, 3_000_000)) { self.begin() }
    periodic()
  }

  private func periodic() {
    simulation.after(simulation.between(20_000_000, 40_000_000)) { [self] in
      raise(EventStruct(.periodic))
      if !isInSession { begin() }
      periodic()
    }
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
    let root = "Device."
    let inform = Inform(
      deviceID: id, events: events, retryCount: retries,
      parameters: [
        ParameterValue(root + "DeviceInfo.SoftwareVersion", "1.0"),
        ParameterValue(root + "DeviceInfo.ProvisioningCode", provisioningCode),
        ParameterValue(root + "ManagementServer.ParameterKey", ""),
      ])
    let sent = events
    simulation.note("cpe \(number) informs \(sent.map(\.code.description)) retry \(retries)")
    gateway.inform(device, writer.inform(inform, id: "1"), inform) { [self] reply in
      guard attempt == self.attempt else { return }
      guard let (answer, post) = reply, answer == .informed, let post else { return fail() }
      acknowledged.append(post.session)
      events.removeAll { sent.contains($0) }
      retries = 0
      ask(post, attempt)
    }
    // A CPE waits at least 30 s for an answer.
    simulation.after(31_000_000) { [self] in if attempt == self.attempt, isInSession { fail() } }
  }

  private var gateway: SimulatedGateway {
    simulation.gateways[Int(simulation.between(0, Int64(simulation.gateways.count - 1)))]
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
    guard let envelope = try? parser.parse(body), case .acsRequest(let request) = envelope.message else {
      return simulation.violated("cpe \(number) cannot read an RPC")
    }
    if let key = envelope.id.flatMap({ CommandKey(text: $0) }) { executed[key, default: 0] += 1 }
    simulation.note("cpe \(number) executes \(request.method.rawValue) \(envelope.idText ?? "")")
    let response: CPEResponse
    switch request {
    case .reboot(let key):
      restart = key
      response = .reboot
    case .setParameterValues(let values, _):
      for value in values where value.name.hasSuffix("ProvisioningCode") { provisioningCode = value.value }
      response = .setParameterValues(status: 0)
    default: response = .getRPCMethods([])
    }
    if simulation.fault(3) { return vanish() }
    gateway.response(post, envelope.id ?? [], writer.response(response, id: envelope.id)) { [self] reply in
      if attempt == self.attempt { take(reply, post, attempt) }
    }
  }

  private func end() {
    isInSession = false
    afterSession()
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

  private func afterSession() {
    if restartIfTold() || events.isEmpty { return }
    begin()
  }

  private func restartIfTold() -> Bool {
    guard let key = restart else { return false }
    restart = nil
    attempt += 1
    isInSession = true
    retries = 0
    simulation.note("cpe \(number) restarts")
    simulation.after(simulation.between(2_000_000, 8_000_000)) { [self] in
      raise(EventStruct(.boot))
      raise(EventStruct(.reboot, commandKey: key))
      begin()
    }
    return true
  }
}
