/// Bounds of a request's head and framing (trust: header ≤ 16 KiB and 64 fields). The body's bound belongs to who reads
/// it.
public struct RequestLimits: Sendable, Hashable {
  /// Bytes of the request line, its end included; more is 414.
  public var requestLine = 8192
  /// Bytes of the whole head; more is 431.
  public var head = 16384
  /// Number of fields; more is 431.
  public var fields = 64
  /// Bytes of one chunk's extensions; more is 400.
  public var chunkExtension = 256
  /// Bytes of all trailers; more is 431.
  public var trailers = 4096

  /// The defaults.
  public init() {}
}
