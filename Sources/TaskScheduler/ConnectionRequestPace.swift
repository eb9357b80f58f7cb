import Networking

/// How many connection requests may go out, in all and to whom: devices that all name one victim must not make us a
/// weapon, nor a street's devices flood their access node. Of one process. Pure.
struct ConnectionRequestPace {
  typealias Instant = ContinuousClock.Instant

  /// Tokens that come back at a rate up to a most.
  private struct Bucket {
    var tokens: Double
    var filledAt: Instant

    mutating func fill(_ now: Instant, perSecond: Double, most: Double) {
      tokens = min(tokens + max((now - filledAt) / .seconds(1), 0) * perSecond, most)
      filledAt = now
    }
  }

  /// Two a minute to one address; several devices may be behind it.
  static let perAddress = (perSecond: 2.0 / 60, most: 2.0)
  /// Fifty a second to one network: a /24 of IPv4, a /48 of IPv6.
  static let perNetwork = (perSecond: 50.0, most: 50.0)

  private let perSecond: Double
  private var all: Bucket
  private var addresses: [IPAddress: Bucket] = [:]
  private var networks: [IPAddress: Bucket] = [:]
  private var sweepAt = 1024

  init(perSecond: Int, now: Instant) {
    self.perSecond = Double(perSecond)
    // A second's worth, so that rounds that are a little late lose nothing.
    all = Bucket(tokens: Double(perSecond), filledAt: now)
  }

  /// How many devices may be asked now.
  mutating func room(_ now: Instant) -> Int {
    all.fill(now, perSecond: perSecond, most: max(perSecond, 1))
    return Int(all.tokens)
  }

  /// So many are being asked.
  mutating func take(_ count: Int) { all.tokens -= Double(count) }

  /// Whether one more may go to the address, and if so, counts it. This very machine, where simulators are, may get any
  /// number.
  mutating func admits(_ address: IPAddress, _ now: Instant) -> Bool {
    if address.isLoopback { return true }
    sweep(now)
    let network = address.network(address.isIPv4 ? 24 : 48)
    var one = addresses[address] ?? Bucket(tokens: Self.perAddress.most, filledAt: now)
    var many = networks[network] ?? Bucket(tokens: Self.perNetwork.most, filledAt: now)
    one.fill(now, perSecond: Self.perAddress.perSecond, most: Self.perAddress.most)
    many.fill(now, perSecond: Self.perNetwork.perSecond, most: Self.perNetwork.most)
    let admits = one.tokens >= 1 && many.tokens >= 1
    if admits {
      one.tokens -= 1
      many.tokens -= 1
    }
    addresses[address] = one
    networks[network] = many
    return admits
  }

  /// How many addresses and networks are remembered.
  var remembered: Int { addresses.count + networks.count }

  /// A bucket that is full again need not be remembered; so what is kept is bounded by a minute's requests.
  private mutating func sweep(_ now: Instant) {
    guard remembered >= sweepAt else { return }
    addresses = addresses.filter { $0.value.filledAt > now - .seconds(60) }
    networks = networks.filter { $0.value.filledAt > now - .seconds(1) }
    sweepAt = max(remembered * 2, 1024)
  }
}
