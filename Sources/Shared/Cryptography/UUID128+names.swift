extension UUID128 {
  /// The version 5 identifier of a name under a namespace: the first 128 bits of SHA-1 over both (RFC 9562 §5.5).
  ///
  /// Deterministic, so that every role computes a device's id without a look-up (architecture, section 5).
  public static func named(_ name: Span<UInt8>, in namespace: UUID128) -> UUID128 {
    var input = namespace.bytes
    input.reserveCapacity(16 + name.count)
    for index in name.indices { input.append(name[index]) }
    let (high, low) = SHA1.first16(of: input)
    return UUID128(
      high: high & 0xFFFF_FFFF_FFFF_0FFF | 0x5000,
      low: low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
  }

  /// The version 5 identifier of a UTF-8 name under a namespace.
  public static func named(_ name: String, in namespace: UUID128) -> UUID128 {
    named(Array(name.utf8).span, in: namespace)
  }

  /// RFC 9562's namespace for domain names, here for its test vector.
  public static let dnsNamespace = UUID128(high: 0x6ba7_b810_9dad_11d1, low: 0x80b4_00c0_4fd4_30c8)
}
