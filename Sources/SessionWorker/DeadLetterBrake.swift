import Cryptography
import EventLog

/// Stops a partition of which most of what devices say would go to the dead letters: then the fault is ours, and what
/// is passed over is lost to its devices (docs/architecture.md, section 3). Once it holds, it holds until the process
/// is started anew, with a version that can read the records.
///
/// Devices that have nothing but the shared credential do not count: anybody who knows it can invent as many as he
/// likes.
struct DeadLetterBrake {
  private static let window: Duration = .seconds(60)
  /// So many devices, and over half of the records.
  private static let devices = 20

  /// What came of one partition within a minute.
  private struct Count {
    var since: ContinuousClock.Instant
    var records = 0
    var letters = 0
    var condemned: Set<UUID128> = []
  }

  private var counts: [Int32: Count] = [:]
  private var held: [Int32: TooManyDeadLetters] = [:]

  init() {}

  /// Counts a batch that is about to be committed.
  /// - Throws: ``TooManyDeadLetters`` where it must not be.
  mutating func take(_ batch: Batch, at now: ContinuousClock.Instant) throws(TooManyDeadLetters) {
    guard !batch.deadLetters.isEmpty || !counts.isEmpty else { return }
    for letter in batch.deadLetters {
      let part = letter.record.partition.number
      if let held = held[part] { throw held }
      if counts[part].map({ now - $0.since > Self.window }) ?? true { counts[part] = Count(since: now) }
      counts[part]?.records += 1
      // Records that name no device may come from anywhere and blame none of our own readers.
      guard letter.device != .zero, letter.authentication != .bootstrap else { continue }
      counts[part]?.letters += 1
      if (counts[part]?.condemned.count ?? 0) < Self.devices { counts[part]?.condemned.insert(letter.device) }
    }
    for input in batch.inputs { counts[input.partition]?.records += 1 }
    for part in Set(batch.deadLetters.map(\.record.partition.number)) {
      guard let count = counts[part], count.condemned.count >= Self.devices, count.letters * 2 > count.records else {
        continue
      }
      let error = TooManyDeadLetters(partition: part, letters: count.letters, records: count.records)
      held[part] = error
      throw error
    }
    counts = counts.filter { now - $0.value.since <= Self.window }
  }
}

/// Most records of a minute would be dead letters.
struct TooManyDeadLetters: Error, CustomStringConvertible {
  var partition: Int32
  var letters: Int
  var records: Int
  var description: String {
    "\(letters) of \(records) records of a minute in partition \(partition) would go to the dead letters: this version "
      + "cannot read them; start one that can"
  }
}
