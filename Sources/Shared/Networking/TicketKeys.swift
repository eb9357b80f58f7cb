import Synchronization

/// The keys that protect TLS session tickets, shared by all gateways so that a session begun at one is resumed at any,
/// without a common cache. The first one seals new tickets; all of them open old ones, and a client that comes with a
/// ticket of another than the first gets a new one.
public final class TicketKeys: Sendable {
  /// 16 bytes of name, 32 of AES-256 key, 32 of HMAC-SHA-256 key.
  public static let keyLength = 80
  /// How long a key seals, in seconds.
  public static let period: Int64 = 86_400

  private struct Ring {
    var day: Int64
    var keys: [[UInt8]]
  }

  private let clock: @Sendable () -> Int64
  private let keysOfDay: @Sendable (_ day: Int64) -> [[UInt8]]
  private let ring: Mutex<Ring>

  /// Keys that change by themselves each day, everywhere alike: today's seal; yesterday's open tickets that are still
  /// good, and tomorrow's those of a gateway whose clock is ahead.
  ///
  /// - Parameters:
  ///   - clock: seconds since 1970, UTC.
  ///   - keys: a day's keys of ``keyLength`` bytes, the newest secret's first; the same at every gateway.
  /// - Throws: `NetworkingError` (`.tls`) if a key has another length, or there is none.
  public init(
    clock: @escaping @Sendable () -> Int64, keys: @escaping @Sendable (_ day: Int64) -> [[UInt8]]
  ) throws(NetworkingError) {
    let day = clock() / Self.period
    let first = Self.ring(day, keys)
    guard !first.isEmpty, first.allSatisfy({ $0.count == Self.keyLength }) else {
      throw NetworkingError(.tls, "TLS ticket keys", detail: "expected at least one, each of \(Self.keyLength) bytes")
    }
    self.clock = clock
    keysOfDay = keys
    ring = Mutex(Ring(day: day, keys: first))
  }

  /// A ring of keys of ``keyLength`` bytes each, the newest first, that stays as it is.
  ///
  /// - Throws: `NetworkingError` (`.tls`) if a key has another length, or there is none.
  public convenience init(_ keys: [[UInt8]]) throws(NetworkingError) {
    try self.init(clock: { 0 }, keys: { $0 == 0 ? keys : [] })
  }

  /// The keys of now, the one that seals first.
  var current: [[UInt8]] {
    let day = clock() / Self.period
    return ring.withLock { ring in
      if ring.day != day {
        ring = Ring(day: day, keys: Self.ring(day, keysOfDay).filter { $0.count == Self.keyLength })
      }
      return ring.keys
    }
  }

  private static func ring(_ day: Int64, _ keys: (Int64) -> [[UInt8]]) -> [[UInt8]] {
    keys(day) + keys(day - 1) + keys(day + 1)
  }
}
