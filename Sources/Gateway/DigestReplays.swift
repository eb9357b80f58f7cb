import Cryptography
import Networking
import Synchronization

/// Digest answers that were right, so that none is taken twice over plain HTTP, where anybody on the way can read it
/// and send it again with a body of his own. One a process, for any loop may get the copy; at other gateways the
/// nonce's short life is all there is.
///
/// An answer with a nonce count is taken once. One without (quirk Q8) is the same for every POST: its nonce belongs to
/// the address that used it first.
final class DigestReplays: Sendable {
  private struct Use: Hashable {
    var nonce: UInt64
    var count: UInt32?
  }

  private struct State {
    var young: [Use: IPAddress] = [:]
    var old: [Use: IPAddress] = [:]
    var turnedAt: Int64 = 0
  }

  /// Beyond so many within a nonce's life the oldest are forgotten early: a bound on memory, some 20 MiB.
  private static let most = 100_000
  private let lifetime: Int64
  private let state = Mutex(State())

  /// - Parameter lifetime: of a nonce, in milliseconds.
  init(lifetime: Int64) { self.lifetime = lifetime }

  /// Notes an answer that was right.
  /// - Parameter now: milliseconds of any clock that the nonces go by.
  /// - Returns: whether it may be taken.
  func isFirst(_ digest: DigestAuthorization, from peer: IPAddress, now: Int64) -> Bool {
    let use = Use(nonce: DigestNonces.mark(of: digest.nonce), count: digest.nonceCount)
    return state.withLock { state in
      // Two generations, each of a nonce's life and the same again: it may come from a clock that is ahead.
      if now - state.turnedAt > 2 * lifetime || state.young.count >= Self.most {
        state.old = state.young
        state.young = [:]
        state.turnedAt = now
      }
      if let first = state.young[use] ?? state.old[use] { return use.count == nil && first == peer }
      state.young[use] = peer
      return true
    }
  }
}
