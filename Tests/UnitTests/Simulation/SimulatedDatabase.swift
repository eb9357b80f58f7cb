import Cryptography
import DataModel
import EventLog
import Fleet
import Policy

@testable import SessionWorker

/// PostgreSQL: what is in ``contents`` is committed; rows are locked until then.
final class SimulatedDatabase {
  struct Claim {
    var owner: Int?
    var epoch: Int64 = 0
    var next = 0
    var leaseUntil: Int64 = .min
    /// How often it was claimed since it last moved.
    var starts = 0
  }

  /// Claims of one kind and who takes part.
  struct Leased {
    var claims: [Claim]
    /// Until when each member counts as live.
    var members: [Int: Int64] = [:]
  }

  struct Wakeup {
    var nextTry: Int64
    var tries: Int32 = 0
    var askedAt: Int64?
  }

  /// A committed event with its place among its device's.
  struct ToldEvent {
    var id: UUID128
    var event: NorthboundEvent
    var sequence: Int64
  }

  /// What a backup holds.
  struct Contents {
    /// Without their twins, which are in `blocks`.
    var states: [UUID128: DeviceState] = [:]
    /// The twins' blocks by key.
    private(set) var blocks: [UUID128: [String: [UInt8]]] = [:]
    /// Partitions of the ranges that are read, and lanes of the outbox.
    var leased: [Leased]
    var ranges = PartitionRanges(count: SimulatedLog.partitions)
    var finished: [(task: RPCTask, state: RPCTask.State)] = []
    var events: [ToldEvent] = []
    /// The events that are not relayed yet, by their row's id.
    var outbox: [Int64: ToldEvent] = [:]
    var lastRow: Int64 = 0
    var sequences: [UUID128: Int64] = [:]
    var wakeups: [UUID128: Wakeup] = [:]
    /// Sessions whose Inform was folded, or is among the dead letters.
    var folded: Set<UUID128> = []
    var deadLetters: Set<UUID128> = []
    /// Every task that was ever committed.
    var tasks: [UUID128: RPCTask] = [:]
    /// How many attempts of each task were given back unsent.
    var unsent: [UUID128: Int] = [:]
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

    /// What became of a task that is over.
    func end(of task: UUID128) -> RPCTask.State? { finished.first { $0.task.id == task }?.state }
  }

  /// A dispatch: to which POST an attempt goes.
  struct Dispatch: Hashable {
    var attempt: CommandKey
    var post: [UInt8]
  }

  var contents: Contents
  /// Dispatches that were committed, also in what a restore lost.
  var dispatches: Set<Dispatch> = []
  /// When each task's first dispatch was committed, and when each ended well, by the simulation's time.
  var firstDispatch: [UUID128: Int64] = [:]
  /// Tasks that a restore put in doubt.
  var doubted: Set<UUID128> = []
  var succeeded: [UUID128: Int64] = [:]
  /// What each event's id was told with, and each event's id, also in what a restore lost.
  private var told: [UUID128: String] = [:]
  private var named: [String: UUID128] = [:]
  /// Who has locked what.
  var locks: [SimulatedTransaction.Row: SimulatedTransaction] = [:]
  /// Goes up when PostgreSQL starts anew: no transaction of before can be committed.
  private(set) var generation = 0
  /// The policies by epoch.
  let engines: [PolicyEngine]
  /// What the policies of each epoch want.
  static let wanted = ["one.example", "two.example"]
  static let path = "Device.Time.NTPServer1"

  unowned let simulation: Simulation
  private var downUntil: Int64 = 0
  private var skew: Int64 = 0
  private(set) var jumped = false
  /// Until when gateways may go by the time that it had before it was set back.
  private(set) var isBehindUntil: Int64 = 0
  private var members = 0
  /// The latest time that it ever had.
  private var latest: Int64 = 0

  init(_ simulation: Simulation) throws {
    self.simulation = simulation
    contents = Contents(leased: [
      Leased(claims: Array(repeating: Claim(), count: Int(SimulatedLog.partitions))),
      Leased(claims: Array(repeating: Claim(), count: Int(TaskStore.outboxLanes))),
    ])
    engines = try Self.wanted.enumerated().map { index, server in
      try UnitTests.engine(["name: time\nensure: {\(Self.path): \(server)}"], version: index + 1)
    }
  }

  /// By its own clock.
  var now: Int64 { simulation.now + skew }

  /// No time of its clock is later, whatever it was set to in between.
  var latestTime: Int64 {
    latest = max(latest, now)
    return latest
  }

  var isUp: Bool { simulation.now >= downUntil }

  var engine: PolicyEngine { engines[Int(contents.policyEpoch) - 1] }

  func newMember() -> Int {
    members += 1
    return members
  }

  /// It starts anew: what is under way is rolled back.
  func isDown(_ duration: Int64) {
    simulation.note("PostgreSQL is down for \(duration / 1000) ms")
    if !locks.isEmpty { simulation.saw(.databaseRestartsInTransaction) }
    rollBack()
    downUntil = simulation.now + duration
  }

  func rollBack() {
    generation += 1
    locks = [:]
  }

  /// Another server takes over, whose clock is another; gateways notice after a while.
  func clockJumps() {
    // Back while a range is about to begin it would be used and not used again: operators must not let that happen.
    let isBack = simulation.chance(50) && contents.ranges.ranges.allSatisfy(\.isRead)
    let jump = isBack ? -simulation.between(1, 60) : simulation.between(1, 600)
    simulation.note("PostgreSQL's clock jumps by \(jump) s")
    simulation.saw(jump > 0 ? .databaseClockAhead : .databaseClockBehind)
    _ = latestTime
    rollBack()
    jumped = true
    if jump < 0 { isBehindUntil = simulation.now + 30 * Simulation.second - jump * Simulation.second }
    skew += jump * Simulation.second
    for gateway in simulation.gateways { gateway.skew -= jump * Simulation.second }
    simulation.after(simulation.between(0, 30 * Simulation.second)) { [simulation] in
      for gateway in simulation.gateways { gateway.skew = 0 }
    }
  }

  // MARK: - Parts of transactions

  /// Writes events into the outbox, each with its device's next sequence number.
  /// - Parameter sources: what each event is told for, where that could be told once more.
  func tell(_ events: [(id: UUID128, event: NorthboundEvent)], sources: [String?] = []) {
    for (index, (id, event)) in events.enumerated() {
      let text = "\(event.type) of \(simulation.name(event.device)) \(event.task?.id.base64URL ?? "")"
      if let before = told.updateValue(text, forKey: id), before != text {
        simulation.violated(.p5, "an event's id was used for '\(before)' and for '\(text)'")
      }
      if index < sources.count, let source = sources[index] { check(id, of: source, text) }
      contents.sequences[event.device, default: 0] += 1
      contents.lastRow += 1
      let row = ToldEvent(id: id, event: event, sequence: contents.sequences[event.device] ?? 0)
      contents.events.append(row)
      contents.outbox[contents.lastRow] = row
      simulation.note("told \(event.type.dropFirst(9)) of \(simulation.name(event.device)), its \(row.sequence)")
    }
    if !events.isEmpty { for scheduler in simulation.schedulers { scheduler.wake() } }
  }

  /// What is told for the same once more, after a restore, has the id that it had.
  private func check(_ id: UUID128, of source: String, _ text: String) {
    guard let before = named.updateValue(id, forKey: source) else { return }
    simulation.saw(.toldAgain)
    if before != id { simulation.violated(.p5, "'\(text)' was told as \(before) and, told again, as \(id)") }
  }

  /// What ``TaskStore`` tells of a task's new version.
  func tell(_ task: RPCTask, _ state: RPCTask.State) {
    tell([
      (
        TaskStore.eventID(task: task.id, version: task.version, restoreCount: contents.restoreCount),
        NorthboundEvent(
          topic: .taskEvents, type: "carillon.task.\(state.name).v1", device: task.device, time: now, data: [],
          task: (task.id, task.version))
      )
    ])
  }

  /// Opens a device's wake-up, or hurries it.
  func openWakeup(_ device: UUID128, at time: Int64) {
    let open = contents.wakeups[device]
    contents.wakeups[device] = Wakeup(
      nextTry: min(open?.nextTry ?? .max, time), tries: open?.tries ?? 0, askedAt: open?.askedAt)
  }

  /// What holds after every commit: who has queued work is in a session or will be woken.
  func check(_ devices: some Sequence<UUID128>) {
    for device in devices where contents.wakeups[device] == nil {
      guard let state = contents.states[device], state.session == nil,
        let task = state.tasks.first(where: { $0.state == .queued && !$0.isOfSession })
      else { continue }
      simulation.violated(
        .tasks, "nobody wakes \(simulation.name(device)) for \(task.request.method) \(task.id.base64URL)")
    }
  }
}

/// Passwords that need no cryptography: a session's own, as those of ``SealedSecrets`` are.
struct PlainSecrets: DeviceSecrets {
  func make(_ purpose: DeviceSecretPurpose, device: UUID128, session: UUID128) -> [UInt8] {
    Array("\(purpose.rawValue) \(session.base64URL)".utf8)
  }

  func open(_ sealed: [UInt8], device: UUID128) -> String? { String(decoding: sealed, as: UTF8.self) }
}
