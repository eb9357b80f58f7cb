/// HKDF over SHA-256 (RFC 5869).
public enum HKDF {
  /// The pseudorandom key of input key material and a salt (§2.2); an empty salt is 32 zero bytes.
  public static func extract(inputKey: SecretKey, salt: [UInt8] = []) -> SecretKey {
    SecretKey(HMACSHA256.authenticate(inputKey.bytes.span, key: SecretKey(salt)).bytes)
  }

  /// `count` bytes, at most 8,160, from a pseudorandom key and a context (§2.3).
  public static func expand(_ key: SecretKey, info: [UInt8], count: Int = 32) -> SecretKey {
    precondition(count >= 0 && count <= 255 * 32, "HKDF yields at most 255 blocks")
    let mac = HMACSHA256(key: key)
    var output: [UInt8] = []
    var previous: [UInt8] = []
    var counter: UInt8 = 1
    while output.count < count {
      mac.update(previous)
      mac.update(info)
      mac.update([counter])
      previous = mac.finish().bytes
      output += previous
      counter &+= 1
    }
    return SecretKey(Array(output.prefix(count)))
  }
}
