/// Where a scheduler says what it does: the process wires it to its log and metrics.
public protocol SchedulerReport: Sendable {
  /// An activity's round did something.
  /// - Parameters:
  ///   - activity: its name, such as `outbox-relay`.
  ///   - counts: what it did, by name; none is zero.
  func did(_ activity: String, _ counts: [(name: String, count: Int)], took: Duration)
  /// An activity's round failed and is tried again.
  func failed(_ activity: String, _ error: any Error)
}

/// What a round of an activity came to.
struct Round: Sendable {
  /// What it did, by name.
  private(set) var counts: [(name: String, count: Int)] = []
  /// There is more to do: the next round comes at once.
  var hasMore = false

  init() {}

  /// A round that did one thing.
  init(_ name: String, _ count: Int, hasMore: Bool = false) {
    self.hasMore = hasMore
    note(name, count)
  }

  /// Adds to what was done.
  mutating func note(_ name: String, _ count: Int) {
    guard count != 0 else { return }
    if let index = counts.firstIndex(where: { $0.name == name }) {
      counts[index].count += count
    } else {
      counts.append((name, count))
    }
  }
}
