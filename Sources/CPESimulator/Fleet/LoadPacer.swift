import CWMP
import Networking

/// Keeps a load of sessions on the ACS: so many open at once, or so many a second.
final class LoadPacer {
  private unowned let shard: FleetShard
  private var cursor = 0
  private var rate = 0.0
  private var begunAt: Int64 = 0
  private var begun = 0
  private var timer: LoopTimer?
  private var isStopped = false

  init(shard: FleetShard) { self.shard = shard }

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

  func sessionEnded() {
    guard !isStopped else { return }
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

  /// False if every CPE has a session already.
  @discardableResult
  private func beginNext(beganAt: Int64) -> Bool {
    for _ in 0..<shard.cpes.count {
      let cpe = shard.cpes[cursor]
      cursor = cursor + 1 == shard.cpes.count ? 0 : cursor + 1
      guard cpe.session == nil, !cpe.isDown else { continue }
      if shard.random.chance(shard.settings.changedFraction) { change(cpe) }
      cpe.state.raise(.periodic)
      shard.begin(cpe, beganAt: beganAt)
      return true
    }
    return false
  }

  private func change(_ cpe: SimulatedCPE) {
    let number = UInt32.random(in: 0...0xFF_FFFF, using: &shard.random)
    let address = "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    cpe.state.changeLocally(cpe.state.model.known.wanAddress, to: address)
  }
}
