import Synchronization

/// Seals the values of log records, other than Informs, that this process writes (architecture §2.2).
///
/// Form: version 1 or 2 (2: deflated before it was sealed) ‖ key id (4) ‖ instance (16) ‖ counter (8) ‖ ciphertext ‖
/// tag (16). The key is derived from the cluster secret and the instance, so the counter is a nonce that is never used
/// twice: an instance is 16 random bytes at each start. All before the ciphertext is authenticated with it.
public final class LogSealer: Sendable {
  /// Plaintexts above this many bytes are deflated first.
  public static let deflateThreshold = 64 * 1024
  /// What sealing adds to the (deflated) plaintext.
  public static let overhead = LogSeal.headerSize + AESGCM.tagSize

  /// Deflates bytes; `nil` where that gains nothing. Given by the caller: zlib is another module's.
  public typealias Deflate = @Sendable (Span<UInt8>) -> [UInt8]?

  private let keyID: UInt32
  private let instance: UUID128
  private let key: SecretKey
  private let counter = Atomic<UInt64>(0)
  private let deflate: Deflate?
  /// Undoes the deflating, for who opens what such sealers sealed.
  public let inflate: LogOpener.Inflate?

  /// The sealer of one process.
  ///
  /// - Parameter instance: 16 bytes that no other process, nor this one before its restart, has used:
  ///   `UUID128.random()`.
  public init(
    _ keyring: ClusterKeyring, instance: UUID128, deflate: Deflate? = nil, inflate: LogOpener.Inflate? = nil
  ) {
    keyID = keyring.current.id
    self.instance = instance
    key = keyring.current.key(for: .log, context: instance.bytes)
    self.deflate = deflate
    self.inflate = inflate
  }

  /// Whether a record's value was deflated before it was sealed.
  public static func isDeflated(_ value: Span<UInt8>) -> Bool { !value.isEmpty && value[0] == LogSeal.deflated }

  /// The sealed form of a record's value. The associated data binds it to its record (its device, its kind).
  public func seal(_ plaintext: Span<UInt8>, associatedData: Span<UInt8>) throws(CryptographyError) -> [UInt8] {
    let number = counter.wrappingAdd(1, ordering: .relaxed).oldValue
    let small = plaintext.count > Self.deflateThreshold ? deflate?(plaintext) : nil
    var output: [UInt8] = [small == nil ? LogSeal.plain : LogSeal.deflated]
    output.reserveCapacity((small?.count ?? plaintext.count) + Self.overhead)
    output.append(bigEndian: keyID)
    instance.append(to: &output)
    output.append(bigEndian: number)
    let authenticated = LogSeal.associatedData(header: output.span, associatedData)
    let nonce = LogSeal.nonce(number)
    if let small {
      try AESGCM.seal(small.span, key: key, nonce: nonce, associatedData: authenticated.span, onto: &output)
    } else {
      try AESGCM.seal(plaintext, key: key, nonce: nonce, associatedData: authenticated.span, onto: &output)
    }
    return output
  }
}

/// Opens what any process's ``LogSealer`` sealed. Not Sendable: one per loop, with a bounded cache of instances' keys.
public final class LogOpener {
  /// Inflates bytes to at most `limit` of them; throws or returns `nil` when they are not deflated or grow beyond.
  public typealias Inflate = @Sendable (_ bytes: Span<UInt8>, _ limit: Int) -> [UInt8]?

  private struct Instance: Hashable {
    let keyID: UInt32
    let id: UUID128
  }

  private static let cacheLimit = 256
  private let keyring: ClusterKeyring
  private let inflate: Inflate?
  private var keys: [Instance: SecretKey] = [:]

  /// An opener that has met no instance yet.
  public init(_ keyring: ClusterKeyring, inflate: Inflate? = nil) {
    self.keyring = keyring
    self.inflate = inflate
  }

  /// The value of a sealed form.
  ///
  /// - Parameter limit: the most bytes that a deflated value may grow to.
  /// - Throws: ``CryptographyError`` `malformedSeal`, `unknownKey`, `forgedSeal`, `tooLarge`.
  public func open(
    _ sealed: Span<UInt8>, associatedData: Span<UInt8>, limit: Int = 16 << 20
  ) throws(CryptographyError) -> [UInt8] {
    guard sealed.count >= LogSealer.overhead, sealed[0] == LogSeal.plain || sealed[0] == LogSeal.deflated,
      let instance = UUID128(bytes: sealed.extracting(5..<21))
    else { throw .malformedSeal }
    let key = try key(Instance(keyID: sealed.bigEndian(at: 1), id: instance))
    let number = UInt64(sealed.bigEndian(at: 21)) << 32 | UInt64(sealed.bigEndian(at: 25))
    let header = sealed.extracting(0..<LogSeal.headerSize)
    let value = try AESGCM.open(
      sealed.extracting(LogSeal.headerSize..<sealed.count), key: key, nonce: LogSeal.nonce(number),
      associatedData: LogSeal.associatedData(header: header, associatedData).span)
    guard sealed[0] == LogSeal.deflated else { return value }
    guard let inflate else { throw .malformedSeal }
    guard let inflated = inflate(value.span, limit) else { throw .tooLarge(limit: limit) }
    return inflated
  }

  private func key(_ instance: Instance) throws(CryptographyError) -> SecretKey {
    if let key = keys[instance] { return key }
    guard let secret = keyring.secret(id: instance.keyID) else { throw .unknownKey(id: instance.keyID) }
    // Instances come and go over the log's seven days; the few in use are derived again at once (2 µs).
    if keys.count >= Self.cacheLimit { keys.removeAll(keepingCapacity: true) }
    let key = secret.key(for: .log, context: instance.id.bytes)
    keys[instance] = key
    return key
  }
}

/// The common form of both ends.
enum LogSeal {
  static let plain: UInt8 = 1
  static let deflated: UInt8 = 2
  static let headerSize = 1 + 4 + 16 + 8

  static func nonce(_ counter: UInt64) -> [UInt8] {
    var nonce: [UInt8] = [0, 0, 0, 0]
    nonce.append(bigEndian: counter)
    return nonce
  }

  static func associatedData(header: Span<UInt8>, _ given: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(header.count + given.count)
    for index in header.indices { bytes.append(header[index]) }
    for index in given.indices { bytes.append(given[index]) }
    return bytes
  }
}
