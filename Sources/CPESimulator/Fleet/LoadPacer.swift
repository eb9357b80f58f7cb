import CWMP
import Networking

/// Keeps a load of sessions on the ACS: so many open at once, or so many a second. Where CPEs try again, those whose
/// time has come go before the others: the load stays what it is.
final class LoadPacer {
  private unowned let shard: FleetShard
  private var turns: TurnOrder
  private var rate = 0.0
  private var begunAt: Int64 = 0
  private var begun = 0
  private var timer: LoopTimer?
  private var isStopped = false
  /// CPEs that wait to try again.
  private var retries = WakeHeap()

  init(shard: FleetShard) {
    self.shard = shard
    turns = TurnOrder(count: shard.cpes.count, isOnceEach: shard.settings.isOnceEach)
  }

  func startClosed(sessions: Int) {
    for _ in 0..<min(sessions, shard.cpes.count) { beginNext(beganAt: Clock.monotonicMicroseconds) }
  }

  func startOpen(sessionsPerSecond: Double) {
    rate = sessionsPerSecond
    begunAt = Clock.monotonicMicroseconds
    timer = shard.loop.schedule(after: .milliseconds(1)) { [weak self] in self?.tick() }
  }

  func stop() {
    isStopped = true
    timer?.cancel()
  }

  func sessionEnded(_ cpe: SimulatedCPE, _ end: SessionEnd) {
    guard !isStopped else { return }
    if shard.settings.retriesLoad, end != .completed {
      cpe.waitsToRetry = true
      let time = Clock.milliseconds + shard.retryWait(of: cpe, end)
      retries.push(.init(at: time, cpe: cpe.place, reason: .retry(generation: 0)))
    }
    if rate > 0 { beginDue() } else { beginNext(beganAt: Clock.monotonicMicroseconds) }
  }

  private func tick() {
    guard !isStopped else { return }
    beginDue()
    timer?.restart(after: .milliseconds(2))
  }

  /// Sessions that could not begin in time begin late, and their latency counts from when they should have.
  private func beginDue() {
    let now = Clock.monotonicMicroseconds
    while shard.hasRoom {
      let intended = begunAt + Int64(Double(begun) * 1_000_000 / rate)
      guard intended <= now, beginNext(beganAt: intended) else { return }
      begun += 1
    }
  }

  /// False if every CPE has a session already, or has had the one that it may have.
  @discardableResult
  private func beginNext(beganAt: Int64) -> Bool {
    if let due = retries.pop(dueAt: Clock.milliseconds) {
      let cpe = shard.cpes[due.cpe]
      cpe.waitsToRetry = false
      shard.begin(cpe, beganAt: beganAt)
      return true
    }
    for _ in 0..<shard.cpes.count {
      guard let place = turns.next() else { return false }
      let cpe = shard.cpes[place]
      guard cpe.session == nil, !cpe.isDown, !cpe.waitsToRetry else { continue }
      if shard.random.chance(shard.settings.changedFraction) { shard.changeAddress(of: cpe) }
      for code in shard.settings.loadEvents { cpe.state.raise(code) }
      shard.begin(cpe, beganAt: beganAt)
      return true
    }
    return false
  }
}
