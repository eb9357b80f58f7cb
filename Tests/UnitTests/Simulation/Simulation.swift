import CWMP
import Cryptography
import EventLog
import Fleet

@testable import Gateway

/// A cluster in one process and one thread, all from one seed: the real session core, admission, records, batch and
/// fold, between simulated CPEs, gateways, log, workers, scheduler, API, database and clocks.
///
/// Faults are on for two minutes; then all is calm and must settle, and what is left is held to the promises
/// (``Checker``). The same seed makes the same history in every process.
final class Simulation {
  static let second: Int64 = 1_000_000
  private static let faults = 120 * second
  private static let calm = 620 * second

  let seed: UInt64
  let bug: PlantedBug?
  var random: SeededRandom
  private(set) var now: Int64 = 1_800_000_000 * second
  private(set) var isFaulty = true
  let seal: RecordSeal
  private(set) var log: SimulatedLog!
  private(set) var database: SimulatedDatabase!
  private(set) var gateways: [SimulatedGateway] = []
  private(set) var workers: [SimulatedWorker] = []
  private(set) var scheduler: SimulatedScheduler!
  private(set) var operators: SimulatedOperator!
  private(set) var cpes: [SimulatedCPE] = []
  /// What was found wrong, in the order in which it happened.
  private(set) var violations: [String] = []
  /// What happened, for a person to read; only where asked for.
  private(set) var trace: [String]?

  private var queue = DeadlineHeap<() -> Void>()
  private let began: Int64

  /// - Parameter isTraced: keeps all that happens, which is slow.
  init(seed: UInt64, bug: PlantedBug? = nil, isTraced: Bool = false) throws {
    self.seed = seed
    self.bug = bug
    random = SeededRandom(state: seed)
    began = now
    trace = isTraced ? [] : nil
    let keyring = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 7, count: 32)))
    seal = RecordSeal(keyring, sealer: LogSealer(keyring, instance: .zero))
    database = try SimulatedDatabase(self)
    log = SimulatedLog(self)
    gateways = (0..<2).map { SimulatedGateway(self, number: $0) }
    workers = (0..<2).map { SimulatedWorker(self, number: $0) }
    scheduler = SimulatedScheduler(self)
    operators = SimulatedOperator(self)
    cpes = (0..<4).map { SimulatedCPE(self, number: $0) }
  }

  // MARK: - Time and chance

  func after(_ delay: Int64, _ work: @escaping () -> Void) { queue.insert(work, at: now + max(delay, 0)) }

  func chance(_ percent: Double) -> Bool { Double.random(in: 0..<100, using: &random) < percent }

  /// A fault that happens only while faults are on.
  func fault(_ percent: Double) -> Bool { isFaulty && chance(percent) }

  func between(_ low: Int64, _ high: Int64) -> Int64 { Int64.random(in: low...high, using: &random) }

  func pick<Element>(_ elements: [Element]) -> Element { elements[Int(between(0, Int64(elements.count - 1)))] }

  /// Whether faults have been over for so long that none of them is felt any more.
  var isSettled: Bool { now > began + Self.faults + 90 * Self.second }

  /// Whether no session should begin any more, for what is left is about to be checked.
  var isEnding: Bool { now > began + Self.faults + Self.calm - 40 * Self.second }

  /// A device as a person reads it.
  func name(_ device: UUID128) -> String {
    cpes.first { $0.device == device }.map { "cpe \($0.number)" } ?? device.description
  }

  func note(_ text: @autoclosure () -> String) {
    if trace != nil { trace?.append("\(milliseconds) \(text())") }
  }

  private var milliseconds: String {
    let text = String((now - began) / 1000)
    return String(repeating: " ", count: max(0, 7 - text.count)) + text + " ms "
  }

  func violated(_ text: String) {
    note("VIOLATION \(text)")
    violations.append(text)
  }

  // MARK: - The run

  /// Runs to the first violation, or to the end.
  func run() {
    for worker in workers { worker.start() }
    for cpe in cpes { cpe.boot() }
    scheduler.start()
    operators.start()
    plan()
    advance(until: began + Self.faults)
    isFaulty = false
    note("--- faults end")
    for gateway in gateways { gateway.skew = 0 }
    advance(until: began + Self.faults + Self.calm)
    if violations.isEmpty { Checker.check(self) }
  }

  private func advance(until end: Int64) {
    while violations.isEmpty, let at = queue.first, at <= end {
      now = max(now, at)
      queue.removeFirst(through: at)?()
    }
    now = end
  }

  /// Faults of whole parts, at moments of their own.
  private func plan() {
    for _ in 0..<between(0, 2) {
      at { self.database.isDown($0) }
      at { self.log.isDown($0) }
    }
    for _ in 0..<between(0, 3) { at { self.pick(self.gateways).isCutOff($0) } }
    for _ in 0..<between(0, 3) { at { self.pick(self.workers).isCutOff($0) } }
    for _ in 0..<between(0, 2) { at { self.pick(self.gateways).clockJumps($0) } }
    if chance(20) { at { _ in self.database.clockJumps() } }
    for _ in 0..<between(0, 2) { at { self.pick(self.gateways).isCrowded($0) } }
    if chance(30) { database.planRestore() }
  }

  private func at(_ work: @escaping (_ duration: Int64) -> Void) {
    after(between(0, 100 * Self.second)) { work(self.between(100_000, 20 * Self.second)) }
  }
}
