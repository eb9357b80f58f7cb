/// How many devices a campaign may begin now: a bucket of tokens that fills at its rate, under its cap of devices that
/// are under way. Pure.
struct CampaignPace: Equatable {
  /// Tokens left.
  var allowance: Double
  let ratePerMinute: Int32
  let concurrency: Int32

  /// The most that is begun in one round.
  static let roundLimit = 200

  /// Fills the bucket: at most with what ten seconds bring, and at least one, so that a campaign that was paused, or
  /// whose scheduler was away, does not make up for it at once.
  mutating func fill(_ elapsed: Duration) {
    let seconds = Double(elapsed.microseconds) / 1_000_000
    let perSecond = Double(max(ratePerMinute, 0)) / 60
    allowance = min(allowance + max(seconds, 0) * perSecond, max(perSecond * 10, 1))
  }

  /// How many may begin while `underway` are.
  func slots(underway: Int) -> Int {
    max(0, min(Int(allowance), Int(concurrency) - underway, Self.roundLimit))
  }

  /// Takes the tokens of `count` devices.
  mutating func take(_ count: Int) { allowance -= Double(count) }
}
