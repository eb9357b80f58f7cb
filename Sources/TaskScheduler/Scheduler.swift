public import Cryptography
public import EventLog
import Networking
public import PostgreSQL

/// The task scheduler: everything that starts from the clock or from an operator rather than from a CPE
/// (docs/architecture.md, section 2). Any number of them share the work without a leader.
///
/// Each activity runs by itself on the scheduler's loop; one that fails or is slow does not stop the others.
public actor Scheduler {
  /// What a scheduler works with; all of it on its loop.
  public struct Parts: Sendable {
    /// Runs statements and transactions.
    public var lane: Lane
    /// The lanes of the outbox that are this scheduler's; with a connection of their own.
    public var claims: Claims
    /// Where `lost`, `due` and northbound events go.
    public var log: any EventLog
    /// Sends connection requests.
    public var transport: any ConnectionRequestTransport
    /// Opens the devices' passwords.
    public var sealer: ValueSealer
    /// What operators may set.
    public var settings: SchedulerSettings
    /// Where it says what it does.
    public var report: any SchedulerReport

    /// Gathers a scheduler's parts.
    public init(
      lane: Lane, claims: Claims, log: any EventLog, transport: any ConnectionRequestTransport, sealer: ValueSealer,
      settings: SchedulerSettings, report: any SchedulerReport
    ) {
      self.lane = lane
      self.claims = claims
      self.log = log
      self.transport = transport
      self.sealer = sealer
      self.settings = settings
      self.report = report
    }
  }

  private nonisolated let loop: EventLoop
  private let report: any SchedulerReport
  private let activities: [any Activity]
  private var running: [Task<Void, Never>] = []
  private var isStopping = false

  /// Runs on the loop of its lane.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates a scheduler that does nothing yet. Call it on the loop of `parts.lane`.
  public init(_ parts: Parts) {
    loop = parts.lane.loop
    report = parts.report
    let lanes = OutboxLanes(parts.claims, loop)
    let records = RecordAppender(parts.log, lane: parts.lane)
    activities = [
      lanes,
      OutboxRelay(lanes, parts.lane, records),
      LostSessions(lanes, parts.lane, records),
      OverdueTasks(lanes, parts.lane, records),
      TaskExpiry(parts.lane),
      ConnectionRequests(parts.lane, parts.transport, parts.sealer, parts.settings.connectionRequests),
      Campaigns(parts.lane, parts.settings),
      Retention(parts.lane, parts.settings.historyRetention),
    ]
  }

  /// Works until ``stop()``; not at all after it.
  public func run() async {
    guard !isStopping else { return }
    running = activities.map { activity in
      Task(executorPreference: loop) { await self.repeatRounds(of: activity) }
    }
    for task in running { await task.value }
    // The lanes, first to start, are the last to go: others may not take them while records are on their way.
    for activity in activities.reversed() { await activity.stop() }
  }

  /// Cancels the rounds under way, ends ``run()``.
  public func stop() {
    isStopping = true
    for task in running { task.cancel() }
  }

  /// How many rounds of an activity may follow each other at once, before others get their turn of the lane.
  private static let roundsAtOnce = 50

  private func repeatRounds(of activity: any Activity) async {
    var random = RandomBlock()
    var atOnce = 0
    while !Task.isCancelled {
      let hasMore = await round(of: activity)
      atOnce = hasMore ? atOnce + 1 : 0
      let rest = atOnce > 0 && atOnce < Self.roundsAtOnce ? .zero : activity.period
      if rest == .zero { continue }
      atOnce = 0
      do { try await loop.sleep(for: rest * Double.random(in: 0.8...1.2, using: &random)) } catch { return }
    }
  }

  /// - Returns: whether there is more to do.
  private func round(of activity: any Activity) async -> Bool {
    let began = ContinuousClock.now
    do {
      let round = try await withDeadline(activity.deadline, on: loop) { try await activity.round() }
      if !round.counts.isEmpty { report.did(activity.name, round.counts, took: ContinuousClock.now - began) }
      return round.hasMore
    } catch {
      if !Task.isCancelled { report.failed(activity.name, error) }
      return false
    }
  }
}
