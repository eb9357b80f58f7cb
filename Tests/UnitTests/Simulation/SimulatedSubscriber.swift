import Cryptography
import EventLog

@testable import TaskScheduler

/// Who reads the northbound topics: every event once, in the order of each device's sequence numbers, taken from what
/// comes at least once.
final class SimulatedSubscriber {
  /// What has come, in order.
  private(set) var events: [(device: UUID128, topic: Topic, id: UUID128)] = []
  private var seen: Set<UUID128> = []
  private unowned let simulation: Simulation

  init(_ simulation: Simulation) { self.simulation = simulation }

  func take(_ entry: OutboxEntry) {
    guard let text = entry.headers.first("ce_id"), let id = UUID128(text: Array(text).span) else {
      return simulation.violated(.p5, "an event without id was relayed")
    }
    if !seen.insert(id).inserted { simulation.saw(.relayedTwice) }
    events.append((entry.device, entry.topic, id))
  }

  /// How many of these events of a device have come in order: of each one that came after all before it.
  func taken(_ expected: [UUID128], of device: UUID128, _ topic: Topic) -> Int {
    var count = 0
    for event in events where count < expected.count && event.device == device && event.topic == topic {
      if event.id == expected[count] { count += 1 }
    }
    return count
  }
}
