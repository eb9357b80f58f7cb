/// Values by the time at which they fall due: a binary heap, with insertion order among equals.
struct DeadlineHeap<Value> {
  private var entries: [(at: Int64, order: UInt64, value: Value)] = []
  private var inserted: UInt64 = 0

  /// The earliest time, or nil when empty.
  var first: Int64? { entries.first?.at }

  /// Adds `value`, due at `at`.
  mutating func insert(_ value: Value, at: Int64) {
    inserted += 1
    entries.append((at, inserted, value))
    var child = entries.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Removes and returns the earliest value if it is due by `now`.
  mutating func removeFirst(through now: Int64) -> Value? {
    guard let first = entries.first, first.at <= now else { return nil }
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && precedes(child, least) {
        least = child
      }
      guard least != parent else { break }
      entries.swapAt(parent, least)
      parent = least
    }
    return first.value
  }

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    (entries[left].at, entries[left].order) < (entries[right].at, entries[right].order)
  }
}
