import Networking

/// How often somebody failed to prove a credential within the present minute (item 110): who did so too often is
/// refused without a look-up. One a loop.
///
/// Counted by username and address (of IPv6 the network): by the address alone all CPEs behind one NAT would be locked
/// out for the sake of one, by the username alone anybody could lock a device out. What is a match in the cache is
/// never asked about here.
struct FailedProofs {
  private struct Key: Hashable {
    var network: IPAddress
    /// A hash with the process's seed: usernames are as long as their senders like.
    var username: Int
  }

  private static let most = 10
  /// Beyond so many different ones within a minute no more are counted.
  private static let mostKnown = 65_536
  private var counts: [Key: Int] = [:]
  private var minute: Int64 = 0

  /// Whether a proof is checked at all.
  /// - Parameter now: microseconds of a clock that never goes back.
  mutating func allows(_ username: [UInt8], from peer: IPAddress, now: Int64) -> Bool {
    turn(now)
    return counts.isEmpty || counts[key(username, peer), default: 0] < Self.most
  }

  /// Notes a failure.
  mutating func note(_ username: [UInt8], from peer: IPAddress, now: Int64) {
    turn(now)
    let key = key(username, peer)
    guard counts.count < Self.mostKnown || counts[key] != nil else { return }
    counts[key, default: 0] += 1
  }

  private mutating func turn(_ now: Int64) {
    guard now / 60_000_000 != minute else { return }
    minute = now / 60_000_000
    counts.removeAll()
  }

  private func key(_ username: [UInt8], _ peer: IPAddress) -> Key {
    Key(network: peer.isIPv4 ? peer : peer.network(64), username: username.hashValue)
  }
}
