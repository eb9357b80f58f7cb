import Synchronization

/// Makes version 7 identifiers that increase throughout the process, from a time that the caller gives (the database's
/// clock, architecture §2.1) and random bytes (RFC 9562 §5.7, §6.2 method 1).
public final class UUIDv7Generator: Sendable {
  private struct State {
    var milliseconds: Int64 = 0
    // rand_a, the 12 bits after the time: counts within a millisecond from a random start.
    var counter: UInt16 = 0
    var random = RandomBlock()
  }

  private let state = Mutex(State())

  /// A generator whose first identifier is as early as its caller's clock says.
  public init() {}

  /// The next identifier at `milliseconds` of Unix time. Where the clock stands still or steps back, the last time is
  /// kept and a counter goes on, so that each identifier is greater than the one before.
  public func next(milliseconds: Int64) -> UUID128 {
    state.withLock { state in
      let random = state.random.next()
      if milliseconds > state.milliseconds {
        state.milliseconds = milliseconds
        // The top bit starts clear: at least 2,048 identifiers before the counter borrows a millisecond.
        state.counter = UInt16(truncatingIfNeeded: random >> 32) & 0x7FF
      } else if state.counter < 0xFFF {
        state.counter += 1
      } else {
        state.milliseconds += 1
        state.counter = 0
      }
      let low = state.random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
      return UUID128(
        high: UInt64(bitPattern: state.milliseconds) << 16 | 0x7000 | UInt64(state.counter), low: low)
    }
  }
}

extension UUID128 {
  /// A random identifier (RFC 9562 §5.4).
  public static func random() -> UUID128 {
    var block = RandomBlock()
    return UUID128(
      high: block.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000,
      low: block.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
  }
}
