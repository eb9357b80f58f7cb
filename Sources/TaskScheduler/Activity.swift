import Networking

/// One of the things that start from the clock or from an operator. Several schedulers run the same activities side by
/// side: what one of them takes, others skip (`SKIP LOCKED`, leases by the database's clock).
protocol Activity: Actor {
  /// For logs and metrics.
  nonisolated var name: String { get }
  /// The rest between two rounds; the scheduler spreads it by ±20 %.
  nonisolated var period: Duration { get }
  /// How long a round may take; then it is cancelled.
  nonisolated var deadline: Duration { get }
  /// Does what is due, a bounded amount of it.
  func round() async throws -> Round
  /// Ends what goes on between rounds.
  func stop() async
}

extension Activity {
  nonisolated var deadline: Duration { .seconds(30) }

  func stop() async {}
}
