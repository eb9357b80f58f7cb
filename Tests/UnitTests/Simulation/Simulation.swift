import CWMP
import Cryptography
import EventLog
import Fleet

@testable import Gateway

/// A cluster in one process and one thread, all from one seed: the real session core, admission, records, batch and
/// fold, between simulated CPEs, gateways, log, workers, schedulers, API, database, subscriber and clocks.
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
  private(set) var schedulers: [SimulatedScheduler] = []
  private(set) var operators: SimulatedOperator!
  private(set) var subscriber: SimulatedSubscriber!
  private(set) var cpes: [SimulatedCPE] = []
  /// Whether PostgreSQL is to be restored, and whether programs are brought to their next version.
  private(set) var isRestored = false
  private(set) var hasVersions = false
  /// Whether the database's clock is to jump.
  private(set) var jumps = false
  /// What was found wrong, in the order in which it happened; with a planted bug only what that one breaks.
  private(set) var violations: [Violation] = []
  /// What happened, as a count and, where asked for, for a person to read.
  private(set) var exercises = Exercises()
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
    schedulers = (0..<2).map { SimulatedScheduler(self, number: $0) }
    operators = SimulatedOperator(self)
    subscriber = SimulatedSubscriber(self)
    cpes = (0..<4).map { SimulatedCPE(self, number: $0) }
  }

  // MARK: - Time and chance

  func after(_ delay: Int64, _ work: @escaping () -> Void) { queue.insert(work, at: now + max(delay, 0)) }

  func chance(_ percent: Double) -> Bool { Double.random(in: 0..<100, using: &random) < percent }

  /// A fault that happens only while faults are on.
  func fault(_ percent: Double, _ exercise: Exercise? = nil) -> Bool {
    guard isFaulty, chance(percent) else { return false }
    if let exercise { saw(exercise) }
    return true
  }

  func between(_ low: Int64, _ high: Int64) -> Int64 { Int64.random(in: low...high, using: &random) }

  func pick<Element>(_ elements: [Element]) -> Element { elements[Int(between(0, Int64(elements.count - 1)))] }

  /// Whether faults have been over for so long that none of them is felt any more.
  var isSettled: Bool { now > began + Self.faults + 90 * Self.second }

  /// Whether no session should begin any more, for what is left is about to be checked.
  var isEnding: Bool { now > began + Self.faults + Self.calm - 40 * Self.second }

  // MARK: - What happened

  func saw(_ exercise: Exercise) { exercises.saw(exercise) }

  /// A device as a person reads it.
  func name(_ device: UUID128) -> String {
    cpes.first { $0.device == device }.map { "cpe \($0.number)" } ?? device.description
  }

  func name(key: [UInt8]) -> String { UUID128(text: key.span).map { name($0) } ?? "nobody" }

  func note(_ text: @autoclosure () -> String) {
    if trace != nil { trace?.append("\(milliseconds) \(text())") }
  }

  var milliseconds: String {
    let text = String((now - began) / 1000)
    return String(repeating: " ", count: max(0, 7 - text.count)) + text + " ms "
  }

  func violated(_ promise: Promise, _ text: String) {
    let violation = Violation(promise: promise, text: text)
    note("VIOLATION \(violation)")
    if bug.map({ $0.breaks == promise }) ?? true { violations.append(violation) }
  }

  // MARK: - The run

  /// Runs to the first violation, or to the end.
  func run() {
    for worker in workers { worker.start() }
    for scheduler in schedulers { scheduler.start() }
    for cpe in cpes { cpe.boot() }
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
    if violations.isEmpty { now = end }
  }

  /// Faults of whole parts, at moments of their own.
  private func plan() {
    for _ in 0..<between(0, 2) {
      at { self.database.isDown($0) }
      at { self.log.isDown($0) }
    }
    for _ in 0..<between(0, 2) { at { self.pick(self.gateways).isCutOffFromLog($0) } }
    for _ in 0..<between(0, 2) { at { self.cutOff(self.pick(self.gateways).process, .postgreSQL, $0) } }
    for _ in 0..<between(0, 2) { at { self.cutOff(self.pick(self.workers).process, .postgreSQL, $0) } }
    for _ in 0..<between(0, 2) { at { self.cutOff(self.pick(self.workers).process, .log, $0) } }
    for _ in 0..<between(0, 1) { at { self.cutOff(self.pick(self.schedulers).process, .postgreSQL, $0) } }
    for _ in 0..<between(0, 1) { at { self.cutOff(self.pick(self.schedulers).process, .log, $0) } }
    for _ in 0..<between(0, 1) { at { self.pick(self.gateways).stop($0) } }
    for _ in 0..<between(0, 1) { at { self.pick(self.workers).process.stop(for: $0, .workerStops) } }
    for _ in 0..<between(0, 1) { at { self.pick(self.schedulers).process.stop(for: $0, .schedulerStops) } }
    for _ in 0..<between(bug?.need == .clocks ? 6 : 0, bug?.need == .clocks ? 6 : 3) {
      at { self.pick(self.gateways).clockJumps($0) }
    }
    jumps = chance(20)
    if jumps { at { _ in self.database.clockJumps() } }
    for _ in 0..<between(0, 2) { at { self.pick(self.gateways).isCrowded($0) } }
    if chance(30) || bug?.need == .versions { planUpdate() }
    isRestored = chance(30) || bug?.need == .restore
    if isRestored { database.planRestore() }
  }

  private func at(_ work: @escaping (_ duration: Int64) -> Void) {
    after(between(0, 100 * Self.second)) { work(self.between(100_000, 20 * Self.second)) }
  }

  private func cutOff(_ process: SimulatedProcess, _ service: SimulatedProcess.Service, _ duration: Int64) {
    if schedulers.contains(where: { $0.process === process }) {
      saw(service == .log ? .schedulerWithoutLog : .schedulerWithoutPostgreSQL)
    }
    process.isCutOff(from: service, for: duration)
  }

  /// The next version comes to one process after another: the workers' first, though one may be late.
  private func planUpdate() {
    hasVersions = true
    let first = between(5, 40) * Self.second
    let last = between(50, 110) * Self.second
    after(first) { [self] in update(workers[0].process) { self.workers[0].die("for an update") } }
    after(last) { [self] in update(workers[1].process) { self.workers[1].die("for an update") } }
    for gateway in gateways {
      after(first + between(5, 60) * Self.second) { [self] in update(gateway.process) { gateway.die("for an update") } }
    }
    for scheduler in schedulers {
      after(first + between(5, 60) * Self.second) { [self] in
        update(scheduler.process) { scheduler.die("for an update") }
      }
    }
  }

  private func update(_ process: SimulatedProcess, _ restart: () -> Void) {
    process.isNewer = true
    restart()
  }
}
