import Cryptography

/// What one device may have under way at one loop, so that none takes the memory or the log of all (P7): a few POSTs at
/// once, for a CPE has one session and may try a POST again on a new connection; and one large body.
struct DevicePosts {
  /// POSTs of one device, from head to answer.
  static let most = 4
  private var underWay: [UUID128: Int] = [:]
  private var large: Set<UUID128> = []

  /// Whether one more goes on; it then counts until ``end(_:)``.
  mutating func begin(_ device: UUID128) -> Bool {
    let count = underWay[device, default: 0]
    guard count < Self.most else { return false }
    underWay[device] = count + 1
    return true
  }

  /// A POST has got its answer.
  mutating func end(_ device: UUID128) {
    let count = underWay[device, default: 1] - 1
    underWay[device] = count > 0 ? count : nil
  }

  /// Whether a large body goes on; it then counts until ``endLarge(_:)``.
  mutating func beginLarge(_ device: UUID128) -> Bool { large.insert(device).inserted }

  /// A large body's POST has got its answer.
  mutating func endLarge(_ device: UUID128) { large.remove(device) }
}
