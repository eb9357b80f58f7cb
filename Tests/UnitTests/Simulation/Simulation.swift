import CWMP
import Cryptography
import DataModel
import EventLog
import Fleet
import Policy

@testable import Gateway
@testable import SessionWorker

/// Numbers from a seed: SplitMix64.
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// A bug that the checker must find.
enum PlantedBug: CaseIterable {
  /// A batch commits without its claim's swap.
  case noSwap
  /// Directives leave before the commit.
  case sendBeforeCommit
  /// A new Inform does not take over from an open session.
  case noTakeover
}

/// A cluster in one process and one thread: the real session core, fold and batch semantics with simulated CPEs,
/// gateways, log, database and clock, all from one seed. Faults are on for a while, then all must settle.
final class Simulation {
  static let second: Int64 = 1_000_000

  let seed: UInt64
  let bug: PlantedBug?
  var random: SeededRandom
  var now: Int64 = 1_800_000_000 * second
  var faulty = true
  let log = SimulatedLog()
  let database = SimulatedDatabase()
  var gateways: [SimulatedGateway] = []
  var workers: [SimulatedWorker] = []
  var cpes: [SimulatedCPE] = []
  /// What was found wrong, in the order in which it happened.
  var violations: [String] = []
  /// What happened, for a person to read when a seed fails.
  var trace: [String] = []

  private var queue = DeadlineHeap<() -> Void>()
  private let began: Int64

  init(seed: UInt64, bug: PlantedBug? = nil) {
    self.seed = seed
    self.bug = bug
    random = SeededRandom(state: seed)
    began = now
    gateways = (0..<2).map { SimulatedGateway(self, number: $0) }
    workers = (0..<2).map { SimulatedWorker(self, number: $0) }
    cpes = (0..<3).map { SimulatedCPE(self, number: $0) }
    log.simulation = self
  }

  // MARK: - Time and chance

  func after(_ delay: Int64, _ work: @escaping () -> Void) { queue.insert(work, at: now + max(delay, 0)) }

  func chance(_ percent: Double) -> Bool { Double.random(in: 0..<100, using: &random) < percent }

  /// A fault that happens only while faults are on.
  func fault(_ percent: Double) -> Bool { faulty && chance(percent) }

  func between(_ low: Int64, _ high: Int64) -> Int64 { Int64.random(in: low...high, using: &random) }

  func note(_ text: @autoclosure () -> String) {
    trace.append("\((now - began) / 1000) ms  \(text())")
    if trace.count > 4000 { trace.removeFirst(1000) }
  }

  func violated(_ text: String) {
    note("VIOLATION \(text)")
    violations.append(text)
  }

  // MARK: - The run

  /// Runs with faults, then without until all should have settled, then checks what is left.
  func run() {
    for worker in workers { worker.start() }
    for cpe in cpes { cpe.boot(["0 BOOTSTRAP", "1 BOOT"]) }
    sweep()
    for _ in 0..<8 { after(between(0, 90 * Self.second)) { self.operate() } }
    advance(until: began + 120 * Self.second)
    faulty = false
    note("faults end")
    advance(until: began + 620 * Self.second)
    Checker.check(self)
  }

  private func advance(until end: Int64) {
    while violations.isEmpty, let at = queue.first, at <= end {
      now = max(now, at)
      queue.removeFirst(through: at)?()
    }
    now = end
  }

  /// An operator queues a task.
  private func operate() {
    let cpe = cpes[Int(between(0, Int64(cpes.count - 1)))]
    guard database.states[cpe.device]?.device != nil else { return after(2 * Self.second) { self.operate() } }
    let request: TaskRequest =
      chance(50)
      ? .reboot
      : .setParameterValues([.init(name: "Device.DeviceInfo.ProvisioningCode", value: "v\(between(0, 9999))")])
    let id = UUID128(high: UInt64(now / 1000) << 16 | 0x7000, low: random.next())
    let task = RPCTask(
      id: id, device: cpe.device, request: request, origin: .api, createdAt: now, deadline: now + 400 * Self.second)
    database.states[cpe.device]?.tasks.append(task)
    database.accepted.append(task)
    note("operator queues \(request.method) \(id.base64URL) for cpe \(cpe.number)")
  }

  /// The scheduler: lost sessions, deadlines, connection requests.
  private func sweep() {
    for (id, state) in database.states.sorted(by: { $0.key < $1.key }) {
      if let session = state.session, session.lastPostAt + Int64(session.lostAfter) * Self.second <= now {
        log.append(CPEMessage(.lost, device: id, session: session.id)) { _ in }
      }
      for task in state.tasks where task.deadline <= now && !task.state.isFinal {
        var message = CPEMessage(.due, device: id, session: .zero)
        message.task = task.id
        message.attempt = task.attempt
        log.append(message) { _ in }
      }
      if state.session == nil, state.tasks.contains(where: { $0.state == .queued && $0.notBefore <= now }) {
        cpes.first { $0.device == id }?.connectionRequest()
      }
    }
    after(5 * Self.second) { self.sweep() }
  }
}

/// The event log: partitions that are appended to after a while, sometimes twice, sometimes without being told.
final class SimulatedLog {
  static let partitions: Int32 = 2
  weak var simulation: Simulation?
  var messages: [[CPEMessage]] = Array(repeating: [], count: Int(partitions))

  func partition(_ device: UUID128) -> Int {
    Int(Partitioning.partition(of: Array(device.description.utf8), among: Self.partitions))
  }

  func append(_ message: CPEMessage, _ completion: @escaping (Bool) -> Void) {
    guard let simulation else { return }
    let part = partition(message.device)
    simulation.after(simulation.between(500, 15_000)) { [self] in
      if simulation.fault(2) {
        simulation.after(simulation.between(1_000, 9_000_000)) { completion(false) }
        return
      }
      messages[part].append(message)
      if simulation.fault(2) { messages[part].append(message) }
      let told = !simulation.fault(1)
      simulation.after(simulation.between(500, 10_000)) { completion(told) }
    }
  }
}

/// PostgreSQL: what is here is committed.
final class SimulatedDatabase {
  struct Claim {
    var owner = -1
    var epoch: Int64 = 0
    var next = 0
    var leaseUntil: Int64 = 0
  }

  var states: [UUID128: DeviceState] = [:]
  var claims: [Claim] = Array(repeating: Claim(), count: Int(SimulatedLog.partitions))
  /// Tasks that the API answered 202 for.
  var accepted: [RPCTask] = []
  var finished: [(task: RPCTask, state: RPCTask.State)] = []
  var events: [(id: UUID128, event: NorthboundEvent)] = []
  /// Attempts whose `dispatched` is committed.
  var dispatched: Set<CommandKey> = []
  /// Sessions whose Inform was folded.
  var folded: Set<UUID128> = []
}

/// Passwords that need no cryptography.
struct PlainSecrets: DeviceSecrets {
  func make(_ purpose: DeviceSecretPurpose, device: UUID128, session: UUID128) -> [UInt8] { [purpose.rawValue] }
  func open(_ sealed: [UInt8], device: UUID128) -> String? { "secret" }
}
