/// What is known of a partition whose records may crash their owner: it was taken over twice without having moved
/// (docs/architecture.md, section 3). A probe has its records first, and fewer of them each time that it dies, down to
/// the one at fault.
struct Suspicion {
  /// What to do with what a probe had.
  enum Step: Equatable {
    /// It may be folded here.
    case fold
    /// The one record goes to the dead letters unread, for this reason.
    case bury(String)
  }

  /// How many records the next probe has; nil: as many as a batch.
  private(set) var size: Int?
  /// No probe before.
  private(set) var restsUntil: ContinuousClock.Instant?
  /// How often a probe died of the record that stands alone.
  private var deaths = 0

  /// Takes in what became of a probe of `count` records.
  /// - Returns: what to do with them; nil: probe again.
  mutating func take(_ verdict: ProbeVerdict, of count: Int, at now: ContinuousClock.Instant) -> Step? {
    switch verdict {
    case .survived:
      (size, deaths) = (nil, 0)
      return .fold
    case .died where count > 1:
      (size, deaths) = (count / 2, 0)
      return nil
    case .died(let how):
      deaths += 1
      // Once may be an accident; nothing is condemned that did not do it twice.
      guard deaths > 1 else { return nil }
      (size, deaths) = (nil, 0)
      return .bury("it crashed the worker: \(how)")
    case .undecided:
      restsUntil = now + .seconds(2)
      return nil
    }
  }
}
