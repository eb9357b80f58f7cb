import Cryptography
import Networking
import PostgreSQL

/// Wakes devices that have work and no session (TR-069 §3.2.2; items 177 to 188).
///
/// A wake-up is a row, opened with a task and closed by the worker when the Inform arrives, which alone is success.
/// Here due rows are taken under a lease (their next try is put off first), asked, and put off again by a growing wait.
/// One row a device: any number of tasks makes one request (item 183).
actor ConnectionRequests: Activity {
  /// A device to be asked.
  private struct Wakeup: Sendable {
    var device: UUID128
    var tries: Int32
    var url: String
    var peer: String
    var username: String
    var secrets: [[UInt8]]
  }

  private nonisolated let loop: EventLoop
  private let lane: Lane
  private let transport: any ConnectionRequestTransport
  private let sealer: ValueSealer
  private let settings: ConnectionRequestSettings
  private var random = RandomBlock()
  private var pace: ConnectionRequestPace
  private var running: [UUID128: Task<Void, Never>] = [:]
  private var finished = Round()

  nonisolated let name = "connection-requests"
  nonisolated let period: Duration = .milliseconds(250)
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(
    _ lane: Lane, _ transport: any ConnectionRequestTransport, _ sealer: ValueSealer,
    _ settings: ConnectionRequestSettings
  ) {
    self.lane = lane
    self.transport = transport
    self.sealer = sealer
    self.settings = settings
    pace = ConnectionRequestPace(perSecond: settings.perSecond, now: .now)
    loop = lane.loop
  }

  /// Takes as many due devices as there is room for and begins to ask them; tells what came of earlier ones.
  func round() async throws -> Round {
    var round = finished
    finished = Round()
    let room = min(settings.concurrency - running.count, pace.room(.now))
    guard room > 0 else { return round }
    let rows = try await lane.query(
      Self.take, .int32(Int32(clamping: room)), .int64(settings.interval.components.seconds), alone: true)
    for row in rows {
      let wakeup = Wakeup(
        device: try row.uuid(0), tries: try row.int32(1), url: try row.text(2), peer: try row.text(3),
        username: try row.text(4),
        secrets: [try row.optionalBytes(5), try row.optionalBytes(6)].compactMap { $0 })
      running[wakeup.device] = Task(executorPreference: loop) { await self.ask(wakeup) }
    }
    pace.take(rows.count)
    round.note("begun", rows.count)
    round.hasMore = rows.count == room
    return round
  }

  func stop() async {
    for task in running.values { task.cancel() }
    await settled()
  }

  /// Waits until those that are being asked have their outcome.
  func settled() async {
    for task in Array(running.values) { await task.value }
  }

  private func ask(_ wakeup: Wakeup) async {
    let outcome = await outcome(of: wakeup)
    let wait = WakeupBackoff(settings: settings).wait(
      afterTries: wakeup.tries, jitter: Double.random(in: 0...1, using: &random))
    var failure = ""
    switch outcome {
    case .asked: finished.note("asked", 1)
    case .failed(let reason):
      finished.note("failed", 1)
      failure = reason
    }
    // Where this fails the lease ends by itself, and the device is asked again.
    _ = try? await lane.query(
      Self.putOff, .uuid(wakeup.device), .int32(wakeup.tries), .int64(wait.microseconds), .text(failure))
    running[wakeup.device] = nil
  }

  private func outcome(of wakeup: Wakeup) async -> ConnectionRequestDialogue.Outcome {
    let target: ConnectionRequestTarget
    do {
      target = try ConnectionRequestTarget(
        url: wakeup.url, peer: wakeup.peer, allowsLoopback: settings.allowsLoopback, networks: settings.networks)
    } catch {
      return .failed(error.description)
    }
    guard pace.admits(target.address, .now) else {
      return .failed("too many connection requests to its address or network just now")
    }
    let passwords = wakeup.secrets.compactMap { try? sealer.openText($0, owner: wakeup.device) }
    if passwords.count < wakeup.secrets.count, passwords.isEmpty {
      return .failed("the device's credentials cannot be opened with the cluster's secrets")
    }
    var dialogue = ConnectionRequestDialogue(path: target.path, username: wakeup.username, passwords: passwords)
    let exchange = transport.dialogue(with: target)
    let end = ContinuousClock.now + settings.deadline
    var step = dialogue.first
    while true {
      switch step {
      case .end(let outcome): return outcome
      case .get(let authorization, let anew):
        let left = end - ContinuousClock.now
        guard left > .zero, !Task.isCancelled else { return .failed("no answer within \(settings.deadline)") }
        switch await exchange.get(authorization: authorization, anew: anew, deadline: left) {
        case .response(let status, let challenge):
          step = dialogue.after(.response(status: status, challenge: challenge))
        case .closed(let reason): step = dialogue.after(.closed(reason))
        case .unreachable(let reason): step = dialogue.after(.unreachable(reason))
        }
      }
    }
  }

  /// Takes due rows: puts each off by a lease at least, so that no other scheduler asks the same device, and names
  /// those that are to be asked. Devices in a session get the work there (item 184); one with work for later sleeps
  /// until then. A row that a new task hurried waits until the interval after the last request is over (item 183).
  private static let take = Statement(
    "connection_requests.take",
    """
    WITH due AS (
      SELECT w.device, w.asked_at > now() - make_interval(secs => $2) AS recent,
             EXISTS (SELECT FROM session s WHERE s.device = w.device) AS busy,
             (SELECT min(greatest(t.not_before, now())) FROM task t
               WHERE t.device = w.device AND t.state = 1 AND t.deadline > now()) AS wanted
        FROM wakeup w WHERE w.next_try <= now()
       ORDER BY w.next_try LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED),
    taken AS (
      UPDATE wakeup w
         SET next_try = CASE WHEN d.recent THEN w.asked_at + make_interval(secs => $2)
                             WHEN d.wanted > now() THEN d.wanted
                             ELSE now() + make_interval(secs => $2) END,
             tries = w.tries + CASE WHEN d.recent OR d.busy OR d.wanted IS DISTINCT FROM now() THEN 0 ELSE 1 END,
             asked_at = CASE WHEN d.recent OR d.busy OR d.wanted IS DISTINCT FROM now() THEN w.asked_at ELSE now() END
        FROM due d WHERE w.device = d.device
      RETURNING w.device, w.tries, w.asked_at = now() AS asks)
    SELECT t.device, t.tries, coalesce(d.connection_request_url, ''), coalesce(d.peer, ''),
           coalesce(c.request_username, ''), c.request_secret, c.pending_request_secret
      FROM taken t LEFT JOIN device d ON d.id = t.device LEFT JOIN credential c ON c.device = t.device
     WHERE t.asks
    """)

  /// Only the try that was made: the row may have been closed and opened anew meanwhile.
  private static let putOff = Statement(
    "connection_requests.put_off",
    """
    UPDATE wakeup SET next_try = now() + make_interval(secs => $3::bigint / 1000000.0), failure = $4
     WHERE device = $1 AND tries = $2
    """)
}

extension Duration {
  /// Rounded down.
  var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
