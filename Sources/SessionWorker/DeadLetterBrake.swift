import Cryptography

/// Stops a shard that would take most of what devices say for dead letters: then the fault is ours, and what is passed
/// over is lost to its devices (docs/architecture.md, section 3). Once it holds, it holds until the process is started
/// anew, with a version that can read the records.
struct DeadLetterBrake {
  private static let window: Duration = .seconds(60)
  /// So many devices, and over half of the records.
  private static let devices = 20

  private var since: ContinuousClock.Instant?
  private var records = 0
  private var letters = 0
  private var condemned: Set<UUID128> = []
  private var held: TooManyDeadLetters?

  init() {}

  /// Counts a batch that is about to be committed.
  /// - Throws: ``TooManyDeadLetters`` where it must not be.
  mutating func take(_ batch: Batch, at now: ContinuousClock.Instant) throws(TooManyDeadLetters) {
    guard !batch.deadLetters.isEmpty || since != nil else { return }
    if let held, !batch.deadLetters.isEmpty { throw held }
    if since.map({ now - $0 > Self.window }) ?? true {
      (since, records, letters, condemned) = (now, 0, 0, [])
    }
    records += batch.inputs.count + batch.deadLetters.count
    letters += batch.deadLetters.count
    // Records that name no device may come from anywhere and blame none of our own readers.
    for letter in batch.deadLetters where condemned.count < Self.devices && letter.device != .zero {
      condemned.insert(letter.device)
    }
    if condemned.count >= Self.devices, letters * 2 > records {
      let error = TooManyDeadLetters(letters: letters, records: records)
      held = error
      throw error
    }
  }
}

/// Most records of a minute would be dead letters.
struct TooManyDeadLetters: Error, CustomStringConvertible {
  var letters: Int
  var records: Int
  var description: String {
    "\(letters) of \(records) records of a minute would go to the dead letters: this version cannot read them; "
      + "start one that can"
  }
}
