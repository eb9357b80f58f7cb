import Cryptography
import Fleet
import Networking
import PostgreSQL

/// Carries out firmware campaigns: plans their devices in bounded steps, begins Downloads by rate and concurrency, and
/// settles each device by the version that it reports (docs/architecture.md, section 2).
///
/// A campaign's row is locked while a scheduler works on it and skipped by the others.
actor Campaigns: Activity {
  private nonisolated let loop: EventLoop
  private let lane: Lane
  private let settings: SchedulerSettings
  private let ids = UUIDv7Generator()

  nonisolated let name = "campaigns"
  nonisolated let period: Duration = .seconds(1)
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ lane: Lane, _ settings: SchedulerSettings) {
    self.lane = lane
    self.settings = settings
    loop = lane.loop
  }

  func round() async throws -> Round {
    var round = Round()
    var failure: (any Error)?
    for row in try await lane.query(CampaignStatements.open) {
      let id = try row.uuid(0)
      // One transaction a campaign: one that fails does not stop the others.
      do {
        let part = try await lane.transaction { transaction in
          guard let campaign = try await OpenCampaign.lock(id, in: transaction) else { return Round() }
          return try await advance(campaign, in: transaction)
        }
        for (name, count) in part.counts { round.note(name, count) }
        round.hasMore = round.hasMore || part.hasMore
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return round
  }

  private func advance(_ campaign: OpenCampaign, in transaction: Transaction) async throws -> Round {
    var round = Round()
    try await settle(campaign, in: transaction, &round)
    switch campaign.state {
    case .cancelled: try await callOff(campaign, in: transaction, &round)
    case .paused: try await plan(campaign, in: transaction, &round)
    case .running:
      try await plan(campaign, in: transaction, &round)
      try await begin(campaign, in: transaction, &round)
      _ = try await transaction.query(CampaignStatements.complete, .uuid(campaign.id))
    case .completed: break
    }
    return round
  }

  /// Devices whose fate is known: on the version, or their task ended otherwise.
  private func settle(_ campaign: OpenCampaign, in transaction: Transaction, _ round: inout Round) async throws {
    let rows = try await transaction.pipeline([
      Call(CampaignStatements.succeed, .uuid(campaign.id), .text(campaign.version)),
      Call(
        CampaignStatements.fail, .uuid(campaign.id), .text(campaign.version),
        .int64(settings.verificationPatience.components.seconds)),
    ])
    round.note("succeeded", rows[0].affected)
    round.note("not_succeeded", rows[1].affected)
  }

  /// The next devices by id that the filter matches.
  private func plan(_ campaign: OpenCampaign, in transaction: Transaction, _ round: inout Round) async throws {
    guard !campaign.isPlanned else { return }
    let planned = try await transaction.query(
      CampaignStatements.plan, .uuid(campaign.id), .uuid(campaign.plannedTo ?? .zero), .text(campaign.version),
      .text(campaign.vendor), .texts(campaign.models), .text(campaign.filter))
    guard let row = planned.first else { return }
    round.note("planned", Int(try row.int64(1)))
    round.hasMore = try row.bool(0)
  }

  /// Begins as many as rate and concurrency allow.
  private func begin(_ campaign: OpenCampaign, in transaction: Transaction, _ round: inout Round) async throws {
    var pace = campaign.pace
    let slots = pace.slots(underway: campaign.underway)
    var begun = 0
    if slots > 0 {
      let rows = try await transaction.query(
        CampaignStatements.take, .uuid(campaign.id), .int32(Int32(slots)), .text(campaign.version))
      let tasks = try rows.filter { try !$0.bool(1) }.map { try task(campaign, device: try $0.uuid(0)) }
      round.note("skipped", rows.count - tasks.count)
      try await TaskStore.insert(tasks, in: transaction)
      if !tasks.isEmpty {
        _ = try await transaction.query(
          CampaignStatements.begin, .uuid(campaign.id), .uuids(tasks.map(\.device)), .uuids(tasks.map(\.id)))
      }
      begun = tasks.count
    }
    pace.take(begun)
    _ = try await transaction.query(CampaignStatements.keepPace, .uuid(campaign.id), .double(pace.allowance))
    round.note("begun", begun)
  }

  private func task(_ campaign: OpenCampaign, device: UUID128) throws -> RPCTask {
    guard !settings.fileURL.isEmpty else {
      throw PostgreSQLError(.misconfigured, "campaign \(campaign.name): scheduler.file_url is not set")
    }
    let transfer = TaskRequest.Transfer(
      fileType: "1 Firmware Upgrade Image", url: campaign.imageURL(under: settings.fileURL),
      fileSize: UInt32(clamping: campaign.size), softwareVersion: campaign.version)
    var task = RPCTask(
      id: ids.next(milliseconds: campaign.now / 1000), device: device, request: .download(transfer), origin: .campaign,
      createdAt: campaign.now, deadline: campaign.now + settings.downloadPatience.microseconds)
    task.originName = campaign.name
    task.maximumAttempts = 3
    return task
  }

  /// Waiting devices and queued tasks end; what was sent goes on and is settled in time.
  private func callOff(_ campaign: OpenCampaign, in transaction: Transaction, _ round: inout Round) async throws {
    let waiting = try await transaction.query(CampaignStatements.cancelWaiting, .uuid(campaign.id))
    let queued = try TaskExpiry.ids(try await transaction.query(CampaignStatements.queued, .uuid(campaign.id)))
    try await TaskStore.finish(queued, .cancelled, fault: EndReason.campaignCancelled, in: transaction)
    round.note("cancelled", waiting.affected + queued.count)
    round.hasMore = waiting.affected == CampaignStatements.cancelStep || queued.count == CampaignStatements.cancelStep
  }
}
