import CWMP

/// What is due later, for all CPEs of a loop: one heap and one timer instead of a timer each.
struct WakeHeap {
  /// What a CPE is woken for.
  indirect enum Reason: Sendable {
    case firstBoot
    case periodic(generation: UInt32)
    case retry(generation: UInt32)
    case bootEnded(commandKey: String?)
    case resetEnded
    case download(DownloadArguments)
    case firmwareBooted(TransferComplete, version: String)
    case scheduledInform(commandKey: String)
    case diagnosticsEnded(NodeAddress)
  }

  struct Entry: Sendable {
    /// Milliseconds since 1970.
    var at: Int64
    var cpe: Int
    var reason: Reason
  }

  private var entries: [Entry] = []

  var next: Int64? { entries.first?.at }
  var count: Int { entries.count }

  mutating func push(_ entry: Entry) {
    entries.append(entry)
    var child = entries.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard entries[child].at < entries[parent].at else { return }
      entries.swapAt(child, parent)
      child = parent
    }
  }

  /// The earliest entry, if it is due.
  mutating func pop(dueAt now: Int64) -> Entry? {
    guard let first = entries.first, first.at <= now else { return nil }
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < entries.count && entries[child].at < entries[least].at { least = child }
      guard least != parent else { return first }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}
