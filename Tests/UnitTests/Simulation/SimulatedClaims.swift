/// A member's half of leased ownership, as ``Claims`` has it: for the partitions of messages, and for the lanes of the
/// outbox.
final class SimulatedClaims {
  enum Leased: Int {
    case messages
    case lanes
  }

  private static let lease = 6 * Simulation.second
  private static let overdue = 2 * Simulation.second

  let leased: Leased
  private(set) var member = 0
  private(set) var held: [Int: (epoch: Int64, next: Int)] = [:]
  private var declined: Set<Int> = []
  private let process: SimulatedProcess
  private unowned let simulation: Simulation

  init(_ simulation: Simulation, _ leased: Leased, _ process: SimulatedProcess) {
    self.simulation = simulation
    self.leased = leased
    self.process = process
  }

  private var database: SimulatedDatabase { simulation.database }

  private var claims: [SimulatedDatabase.Claim] {
    get { database.contents.leased[leased.rawValue].claims }
    set { database.contents.leased[leased.rawValue].claims = newValue }
  }

  var epochs: [Int: Int64] { held.mapValues(\.epoch) }

  /// A process of its own id.
  func begin() {
    member = database.newMember()
    held = [:]
    declined = []
  }

  private func isLocked(_ part: Int) -> Bool { database.locks[.claim(leased, part)] != nil }

  /// Renews, seeks up to its share, and frees what stopped owners hold.
  /// - Returns: what is to be given back; nil without PostgreSQL.
  func tend() -> [Int]? {
    guard process.reaches(.postgreSQL) else { return nil }
    let now = database.now
    database.contents.leased[leased.rawValue].members[member] = now + Self.lease
    for part in claims.indices where claims[part].owner == member && !isLocked(part) {
      claims[part].leaseUntil = now + Self.lease
    }
    let unwanted = keep()
    let members = database.contents.leased[leased.rawValue].members.values.count { $0 > now }
    let share = (claims.count + members - 1) / max(members, 1)
    if held.count < share { seek(share - held.count) }
    return unwanted + (held.count > share ? held.keys.sorted().suffix(held.count - share) : [])
  }

  private func keep() -> [Int] {
    let owned = claims.indices.filter { claims[$0].owner == member }
    held = held.filter { owned.contains($0.key) && claims[$0.key].epoch == $0.value.epoch }
    for part in owned where held[part] == nil && !declined.contains(part) {
      held[part] = (claims[part].epoch, claims[part].next)
    }
    return owned.filter { declined.contains($0) }
  }

  private func seek(_ count: Int) {
    let now = database.now
    let free = claims.indices.filter { part in
      (claims[part].owner == nil || claims[part].leaseUntil < now) && !declined.contains(part) && !isLocked(part)
    }
    let taken = free.sorted { (claims[$0].leaseUntil, $0) < (claims[$1].leaseUntil, $1) }.prefix(count)
    // What it owns without having heard so it keeps when it looks again.
    let isHeard = !simulation.fault(2, taken.isEmpty ? nil : .claimsUnheard)
    for part in taken {
      claims[part].owner = member
      claims[part].epoch += 1
      claims[part].starts += 1
      claims[part].leaseUntil = now + Self.lease
      simulation.note("\(process.name) claims \(name(part)) at \(claims[part].next)")
      if isHeard { held[part] = (claims[part].epoch, claims[part].next) }
    }
    guard taken.count < count else { return }
    for part in claims.indices where claims[part].owner != nil && claims[part].leaseUntil < now - Self.overdue {
      guard let holder = database.locks[.claim(leased, part)] else { continue }
      simulation.note("\(process.name) terminates who holds \(name(part))")
      simulation.saw(.backendTerminated)
      holder.end()
    }
  }

  private func name(_ part: Int) -> String { leased == .messages ? "partition \(part)" : "lane \(part)" }

  /// Whether a batch that was read from `next` on may move the claim.
  func holds(_ part: Int, epoch: Int64, next: Int) -> Bool {
    // A restore may have lost its row.
    part < claims.count && claims[part].owner == member && claims[part].epoch == epoch && claims[part].next == next
  }

  /// The swap's second half, with the commit.
  func move(_ part: Int, to next: Int, swappedAt: Int64) {
    guard part < claims.count else { return }
    claims[part].next = next
    claims[part].starts = 0
    claims[part].leaseUntil = swappedAt + Self.lease
  }

  func moved(_ part: Int, to next: Int) { held[part]?.next = next }

  func starts(_ part: Int) -> Int { part < claims.count ? claims[part].starts : 0 }

  func release(_ parts: [Int]) {
    for part in parts { held[part] = nil }
    guard process.reaches(.postgreSQL) else { return }
    for part in parts where part < claims.count && claims[part].owner == member && !isLocked(part) {
      simulation.note("\(process.name) gives \(name(part)) back")
      claims[part].owner = nil
      claims[part].leaseUntil = .min
      claims[part].starts = 0
    }
  }

  /// Never to be claimed again by this process.
  func decline(_ part: Int) {
    declined.insert(part)
    release([part])
  }

  /// What is owned, read anew; false without PostgreSQL.
  func reload() -> Bool {
    guard process.reaches(.postgreSQL) else { return false }
    held = [:]
    for part in claims.indices where claims[part].owner == member && !declined.contains(part) {
      held[part] = (claims[part].epoch, claims[part].next)
    }
    return true
  }
}
