import EventLog
import Networking
import PostgreSQL

/// Which lanes of devices are this scheduler's: leased in PostgreSQL as partitions are, so that a lane has one
/// scheduler that relays its events, in order, and one that repeats `lost` and `due` for its devices.
actor OutboxLanes: Activity {
  private nonisolated let loop: EventLoop
  private let claims: Claims
  private var tended: ContinuousClock.Instant?

  nonisolated let name = "lanes"
  nonisolated let period: Duration = .milliseconds(500)
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ claims: Claims, _ loop: EventLoop) {
    self.claims = claims
    self.loop = loop
  }

  /// The lanes that are ours for sure: none while the leases could not be renewed for most of their length.
  var owned: [Int16] {
    get async {
      guard let tended, ContinuousClock.now - tended < Claims.lease / 2 else { return [] }
      return await claims.claims.keys.map { Int16($0) }.sorted()
    }
  }

  func round() async throws -> Round {
    let began = ContinuousClock.now
    let surplus = try await claims.tend()
    if !surplus.isEmpty { try await claims.release(surplus) }
    tended = began
    return Round()
  }

  func stop() async {
    tended = nil
    // Where PostgreSQL is away the leases end by themselves.
    try? await claims.leave()
  }
}
