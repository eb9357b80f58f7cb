/// Seals small secrets for PostgreSQL: the passwords of devices.
///
/// Form: version 1 ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16). The associated data names the owner (the device
/// id), so that a sealed value copied to another row does not open. Nonces are random: under one key 2³² values are
/// safe (NIST SP 800-38D §8.3), which 4,000 exchanges of each password of a million devices do not reach.
public struct ValueSealer: Sendable {
  /// What sealing adds to the plaintext.
  public static let overhead = 1 + 4 + AESGCM.nonceSize + AESGCM.tagSize
  private static let version: UInt8 = 1

  private let currentID: UInt32
  private let keys: [UInt32: SecretKey]

  /// A sealer over the keyring's keys for `valuesAtRest` (or another purpose of the same shape).
  public init(_ keyring: ClusterKeyring, purpose: ClusterSecret.Purpose = .valuesAtRest) {
    currentID = keyring.current.id
    keys = Dictionary(keyring.all.map { ($0.id, $0.key(for: purpose)) }) { first, _ in first }
  }

  /// The sealed form of a value.
  public func seal(_ plaintext: Span<UInt8>, associatedData: Span<UInt8>) throws(CryptographyError) -> [UInt8] {
    guard let key = keys[currentID] else { throw .unknownKey(id: currentID) }
    let nonce = SecureRandom.bytes(AESGCM.nonceSize)
    var output: [UInt8] = [Self.version]
    output.reserveCapacity(plaintext.count + Self.overhead)
    output.append(bigEndian: currentID)
    output += nonce
    try AESGCM.seal(plaintext, key: key, nonce: nonce, associatedData: associatedData, onto: &output)
    return output
  }

  /// The value of a sealed form.
  ///
  /// - Throws: ``CryptographyError`` `malformedSeal`, `unknownKey`, `forgedSeal`.
  public func open(_ sealed: Span<UInt8>, associatedData: Span<UInt8>) throws(CryptographyError) -> [UInt8] {
    guard sealed.count >= Self.overhead, sealed[0] == Self.version else { throw .malformedSeal }
    let id = sealed.bigEndian(at: 1)
    guard let key = keys[id] else { throw .unknownKey(id: id) }
    var nonce: [UInt8] = []
    for index in 5..<17 { nonce.append(sealed[index]) }
    return try AESGCM.open(
      sealed.extracting(17..<sealed.count), key: key, nonce: nonce, associatedData: associatedData)
  }

  /// Seals a text for an owner.
  public func seal(_ text: String, owner: UUID128) throws(CryptographyError) -> [UInt8] {
    try seal(Array(text.utf8).span, associatedData: owner.bytes.span)
  }

  /// Opens a text of an owner; bytes that are not UTF-8 are repaired.
  public func openText(_ sealed: [UInt8], owner: UUID128) throws(CryptographyError) -> String {
    String(decoding: try open(sealed.span, associatedData: owner.bytes.span), as: UTF8.self)
  }
}

extension [UInt8] {
  mutating func append(bigEndian value: UInt32) {
    for shift in [24, 16, 8, 0] { append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
  }

  mutating func append(bigEndian value: UInt64) {
    append(bigEndian: UInt32(truncatingIfNeeded: value >> 32))
    append(bigEndian: UInt32(truncatingIfNeeded: value))
  }
}

extension Span<UInt8> {
  func bigEndian(at index: Int) -> UInt32 {
    UInt32(self[index]) << 24 | UInt32(self[index + 1]) << 16 | UInt32(self[index + 2]) << 8 | UInt32(self[index + 3])
  }
}
