public import Networking
import Synchronization

/// Whether loops turn: each is asked for a sign of life every second. One that has been silent for ten is stuck, and so
/// is the process: `/healthz` says so and the supervisor restarts it.
public final class LoopPulse: Sendable {
  private struct Pulse {
    let loop: EventLoop
    var last: ContinuousClock.Instant
    /// One question at a time: a stuck loop's mailbox must not fill.
    var asked = false
  }

  private let pulses = Mutex<[Pulse]>([])
  private let limit: Duration

  /// Watches no loop yet.
  public init(limit: Duration = .seconds(10)) { self.limit = limit }

  /// Watches a loop.
  public func watch(_ loop: EventLoop) {
    pulses.withLock { $0.append(Pulse(loop: loop, last: .now)) }
  }

  /// Asks all loops; to be called about every second.
  public func ask() {
    let silent = pulses.withLock { pulses in
      let open = pulses.indices.filter { !pulses[$0].asked }
      for index in open { pulses[index].asked = true }
      return open.map { (index: $0, loop: pulses[$0].loop) }
    }
    for (index, loop) in silent {
      loop.post { [weak self] in
        self?.pulses.withLock { pulses in
          pulses[index].last = .now
          pulses[index].asked = false
        }
      }
    }
  }

  /// The names of the loops that have been silent for too long.
  public func stuck(at now: ContinuousClock.Instant = .now) -> [String] {
    pulses.withLock { pulses in
      pulses.filter { $0.asked && now - $0.last > limit }.map(\.loop.name)
    }
  }
}
