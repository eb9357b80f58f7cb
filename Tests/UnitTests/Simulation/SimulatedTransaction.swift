import Cryptography

/// A transaction and the rows that it has locked. It ends by its owner, with PostgreSQL, or by somebody who terminates
/// its backend; what it was to write is written by its owner at the commit, in one step.
final class SimulatedTransaction {
  /// What is locked. Always taken in this order, so that nobody waits for one who waits for him.
  enum Row: Hashable {
    case claim(SimulatedClaims.Leased, Int)
    case task(UUID128)
    case wakeup(UUID128)
    case contact(UUID128)
  }

  /// As statements have it in the batches' transaction.
  private static let patience = 20 * Simulation.second
  private unowned let database: SimulatedDatabase
  private let process: SimulatedProcess
  private let generation: Int
  private var hasEnded = false

  init(_ database: SimulatedDatabase, _ process: SimulatedProcess) {
    self.database = database
    self.process = process
    generation = database.generation
  }

  /// Whether it can still be committed.
  var isOpen: Bool { !hasEnded && generation == database.generation && process.reaches(.postgreSQL) }

  /// Commit, roll-back, or the end of its backend.
  func end() {
    hasEnded = true
    database.locks = database.locks.filter { $0.value !== self }
  }

  /// Its owner has given it up. Where PostgreSQL does not hear of that, it has its locks until the owner is back.
  func abandon() {
    guard !hasEnded, !process.reaches(.postgreSQL), database.isUp else { return end() }
    database.simulation.after(process.isBack(at: .postgreSQL) - database.simulation.now) { self.end() }
  }

  /// Takes rows that nobody has; all or none.
  func lock(_ rows: [Row]) -> Bool {
    guard isOpen, rows.allSatisfy({ database.locks[$0].map { $0 === self } ?? true }) else { return false }
    for row in rows { database.locks[row] = self }
    return true
  }

  /// Waits for rows; false when it ended over that.
  func lock(_ rows: [Row], since: Int64? = nil, then: @escaping (Bool) -> Void) {
    if lock(rows) { return then(true) }
    let simulation = database.simulation
    let since = since ?? simulation.now
    guard isOpen, simulation.now - since < Self.patience else { return then(false) }
    process.after(simulation.between(2_000, 20_000)) { self.lock(rows, since: since, then: then) }
  }
}
