import Cryptography
import DataModel
import Fleet
import Policy

@testable import EventLog
@testable import SessionWorker

/// PostgreSQL: what is here is committed.
final class SimulatedDatabase {
  struct Claim {
    var owner = -1
    var epoch: Int64 = 0
    var next = 0
    var leaseUntil: Int64 = 0
    /// How often it was claimed since it last moved.
    var starts = 0
  }

  /// What a backup holds.
  struct Contents {
    /// Without their twins, which are in `blocks`.
    var states: [UUID128: DeviceState] = [:]
    /// The twins' blocks by key.
    private(set) var blocks: [UUID128: [String: [UInt8]]] = [:]
    /// Of the ranges that are read.
    var claims: [Claim] = Array(repeating: Claim(), count: Int(SimulatedLog.partitions))
    var ranges = PartitionRanges(count: SimulatedLog.partitions)
    var finished: [(task: RPCTask, state: RPCTask.State)] = []
    var events: [(id: UUID128, event: NorthboundEvent)] = []
    /// Sessions whose Inform was folded, or is among the dead letters.
    var folded: Set<UUID128> = []
    /// Every task that was ever committed.
    var tasks: [UUID128: RPCTask] = [:]
    var policyEpoch: Int64 = 1
    var restoreCount: Int32 = 0

    /// What a scope holds of a device's twin.
    func twin(of device: UUID128, _ scope: TwinScope) -> Twin {
      let found = (blocks[device] ?? [:]).filter { key, _ in
        scope.isEverything || scope.keys.contains(key) || scope.subtrees.contains { key.utf8.starts(with: $0.utf8) }
      }
      return Twin(stored: found.sorted { $0.key < $1.key }.map { StoredBlock(key: $0, bytes: $1) }, scope: scope)
    }

    mutating func write(_ writes: TwinWrites, of device: UUID128) {
      var kept = writes.deletesEverything ? [:] : blocks[device] ?? [:]
      for subtree in writes.deletedSubtrees { kept = kept.filter { !$0.key.utf8.starts(with: subtree.utf8) } }
      for key in writes.deletedKeys { kept[key] = nil }
      for block in writes.upserts { kept[block.key] = block.bytes }
      blocks[device] = kept
    }

    mutating func forgetTwins() { blocks = [:] }
  }

  var contents = Contents()
  /// Attempts whose dispatch was committed, also in what a restore lost.
  var dispatched: Set<CommandKey> = []
  /// What each event's id was told with, also in what a restore lost.
  private var told: [UUID128: String] = [:]
  /// Devices whose tasks a batch has locked, and who it is.
  var locks: [UUID128: (worker: Int, part: Int)] = [:]
  /// The policies by epoch.
  let engines: [PolicyEngine]
  /// What the policies of each epoch want.
  static let wanted = ["one.example", "two.example"]
  static let path = "Device.Time.NTPServer1"

  private unowned let simulation: Simulation
  private var downUntil: Int64 = 0
  private var skew: Int64 = 0

  init(_ simulation: Simulation) throws {
    self.simulation = simulation
    engines = try Self.wanted.enumerated().map { index, server in
      try UnitTests.engine(["name: time\nensure: {\(Self.path): \(server)}"], version: index + 1)
    }
  }

  /// `carillon migrate --partitions`, which an operator repeats after a restore that has lost it.
  func addPartitions() {
    guard contents.ranges.ranges.count == 1 else { return }
    simulation.note("an operator adds partitions")
    contents.ranges = PartitionRanges(
      contents.ranges.ranges + [
        PartitionRanges.Range(
          first: SimulatedLog.partitions, count: SimulatedLog.added, beginsAt: now + 15 * Simulation.second,
          isRead: false)
      ])
  }

  /// What ``RangeOpening`` does.
  func openRange() {
    guard let new = contents.ranges.ranges.last, !new.isRead, new.beginsAt + 500_000 < now else { return }
    guard contents.claims.indices.allSatisfy({ contents.claims[$0].next >= simulation.log.records[$0].count }) else {
      return
    }
    simulation.note("partitions \(new.first) and on are read")
    for part in contents.claims.indices {
      contents.claims[part].owner = -1
      contents.claims[part].epoch += 1
      contents.claims[part].leaseUntil = .min
      contents.claims[part].starts = 0
    }
    contents.claims += Array(repeating: Claim(), count: Int(new.count))
    contents.ranges = PartitionRanges(
      contents.ranges.ranges.map { range in
        var range = range
        range.isRead = true
        return range
      })
  }

  /// By its own clock.
  var now: Int64 { simulation.now + skew }

  var isUp: Bool { simulation.now >= downUntil }

  var engine: PolicyEngine { engines[Int(contents.policyEpoch) - 1] }

  func isDown(_ duration: Int64) {
    simulation.note("PostgreSQL is down for \(duration / 1000) ms")
    downUntil = simulation.now + duration
  }

  /// Another server takes over, whose clock is another; gateways notice after a while.
  func clockJumps() {
    let jump = simulation.chance(50) ? simulation.between(1, 600) : -simulation.between(1, 60)
    simulation.note("PostgreSQL's clock jumps by \(jump) s")
    skew += jump * Simulation.second
    for gateway in simulation.gateways { gateway.skew -= jump * Simulation.second }
    simulation.after(simulation.between(0, 30 * Simulation.second)) { [simulation] in
      for gateway in simulation.gateways { gateway.skew = 0 }
    }
  }

  /// Takes what is committed with an event's id, which may only ever tell the same.
  func tell(_ events: [(id: UUID128, event: NorthboundEvent)]) {
    for (id, event) in events {
      let text = "\(event.type) of \(simulation.name(event.device)) \(event.task?.id.base64URL ?? "")"
      if let before = told.updateValue(text, forKey: id), before != text {
        simulation.violated("P5: an event's id was used for '\(before)' and for '\(text)'")
      }
    }
    contents.events += events
  }

  // MARK: - Restores

  /// Takes a backup and later goes back to it, as `carillon migrate --restored` does.
  func planRestore() {
    simulation.after(simulation.between(5 * Simulation.second, 80 * Simulation.second)) { [self] in
      let backup = contents
      simulation.note("backup")
      simulation.after(simulation.between(Simulation.second, 40 * Simulation.second)) { [self] in restore(backup) }
    }
  }

  private func restore(_ backup: Contents) {
    guard simulation.isFaulty else { return }
    simulation.note("--- restored from the backup")
    for worker in simulation.workers { worker.die("for a restore") }
    for gateway in simulation.gateways { gateway.die() }
    contents = backup
    contents.restoreCount += 1
    locks = [:]
    for part in contents.claims.indices {
      contents.claims[part].owner = -1
      contents.claims[part].leaseUntil = .min
    }
    contents.forgetTwins()
    for id in contents.states.keys.sorted() {
      for index in contents.states[id]?.tasks.indices ?? 0..<0 where simulation.bug != .restoresBlindly {
        doubt(&contents.states[id]!.tasks[index])
      }
      contents.states[id]?.session = nil
      contents.states[id]?.tasks.removeAll { $0.isOfSession }
      contents.states[id]?.standings = []
      contents.states[id]?.contact?.digest = []
      contents.states[id]?.contact?.policyEpoch = 0
    }
    simulation.operators.forget { self.contents.tasks[$0] == nil }
  }

  /// What ``TaskStore/noteRestore(in:)`` does with one.
  private func doubt(_ task: inout RPCTask) {
    guard task.once else {
      guard task.state == .dispatched || task.state == .accepted else { return }
      task.state = .queued
      task.attempt += 1
      return
    }
    if task.state == .queued { task.attempt += 1 }
    task.state = .inDoubt
    task.dispatchedAt = nil
    task.post = nil
    task.version += 1
  }
}

/// Passwords that need no cryptography: a session's own, as those of ``SealedSecrets`` are.
struct PlainSecrets: DeviceSecrets {
  func make(_ purpose: DeviceSecretPurpose, device: UUID128, session: UUID128) -> [UInt8] {
    Array("\(purpose.rawValue) \(session.base64URL)".utf8)
  }

  func open(_ sealed: [UInt8], device: UUID128) -> String? { String(decoding: sealed, as: UTF8.self) }
}
