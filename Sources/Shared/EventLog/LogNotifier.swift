import Networking
import PostgreSQL
import Synchronization

/// Tells the readers of other processes that something was appended, and hears it from them: one LISTEN a process, and
/// at most one NOTIFY in ten milliseconds, in a transaction of its own, because NOTIFY serialises commits.
final class LogNotifier: Sendable {
  private static let channel = "carillon_log"
  private static let pause: Duration = .milliseconds(10)

  private let lane: Lane
  /// Names this process, whose own notifications are passed over.
  private let token: UInt64
  /// The topics appended to and not yet told of.
  private let pending = Atomic<UInt32>(0)

  init(lane: Lane, wakeups: LogWakeups) {
    self.lane = lane
    let token = UInt64.random(in: 1 ... .max)
    self.token = token
    lane.loop.post {
      lane.listen(Self.channel) { payload in
        let parts = payload.split(separator: " ").compactMap { UInt64($0) }
        guard parts.count == 2, parts[0] != token else { return }
        wakeups.signal(topics: UInt32(truncatingIfNeeded: parts[1]))
      }
    }
  }

  /// Something was appended to `topic` and committed. From any loop.
  func appended(to topic: Topic) {
    let before = pending.bitwiseOr(topic.bit, ordering: .acquiringAndReleasing).oldValue
    // While something is pending, its telling is under way already.
    guard before == 0 else { return }
    lane.loop.post { [self] in
      lane.loop.schedule(after: Self.pause) { [self] in tell() }
    }
  }

  private func tell() {
    let topics = pending.exchange(0, ordering: .acquiringAndReleasing)
    let call = Call(LogStatements.notify, .text("\(token) \(topics)"))
    lane.submit([call], deadline: .seconds(1), alone: true) { _ in }
  }
}
