public import Cryptography

/// The name of one waiting POST: the gateway instance that holds it and a counter within it
/// (docs/architecture.md, section 2.1). Each is answered once, by its own gateway.
public struct PostID: Sendable, Hashable {
  /// The gateway instance: random at each start.
  public var instance: UUID128
  /// Counts up within the instance; the low 8 bits name the loop that holds the POST.
  public var counter: UInt64

  /// Names POST `counter` of `instance`.
  public init(instance: UUID128, counter: UInt64) {
    self.instance = instance
    self.counter = counter
  }

  /// 24 bytes: instance, then the counter big-endian.
  public var bytes: [UInt8] {
    var bytes = instance.bytes
    withUnsafeBytes(of: counter.bigEndian) { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Reads ``bytes``; nil unless there are 24.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 24, let instance = UUID128(bytes: Array(bytes.prefix(16))) else { return nil }
    self.instance = instance
    counter = bytes.dropFirst(16).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
