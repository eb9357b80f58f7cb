/// What was told when, so that it is told again only after a while: `lost` and `due` are repeated every 30 s until the
/// row has changed. Pure.
struct Reminders<Key: Hashable> {
  private let interval: Duration
  private var told: [Key: ContinuousClock.Instant] = [:]

  init(every interval: Duration) { self.interval = interval }

  /// Those of `keys` whose turn it is.
  mutating func due(_ keys: [Key], now: ContinuousClock.Instant) -> [Key] {
    told = told.filter { now - $0.value < interval }
    return keys.filter { told[$0] == nil }
  }

  /// Notes that `keys` were told.
  mutating func note(_ keys: [Key], now: ContinuousClock.Instant) {
    for key in keys { told[key] = now }
  }
}
