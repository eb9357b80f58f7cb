/// The keys that protect TLS session tickets, shared by all gateways so that a session begun at one is resumed at any,
/// without a common cache. The first one seals new tickets; all of them open old ones.
public struct TicketKeys: Sendable {
  /// 16 bytes of name, 32 of AES-256 key, 32 of HMAC-SHA-256 key.
  public static let keyLength = 80

  let keys: [[UInt8]]

  /// A ring of keys of ``keyLength`` bytes each, the newest first.
  ///
  /// - Throws: `NetworkingError` (`.tls`) if a key has another length, or there is none.
  public init(_ keys: [[UInt8]]) throws(NetworkingError) {
    guard !keys.isEmpty, keys.allSatisfy({ $0.count == Self.keyLength }) else {
      throw NetworkingError(.tls, "TLS ticket keys", detail: "expected at least one, each of \(Self.keyLength) bytes")
    }
    self.keys = keys
  }
}
