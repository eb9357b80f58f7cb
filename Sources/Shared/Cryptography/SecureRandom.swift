import COpenSSL

/// Random bytes by the block: `RAND_bytes` per kilobyte instead of a system call per value.
public struct RandomBlock: RandomNumberGenerator, Sendable {
  private var block: [UInt8] = []
  private var used = 0

  /// A source that draws its first block when first asked.
  public init() {}

  /// Eight random bytes, which are wiped from the block.
  public mutating func next() -> UInt64 {
    if used + 8 > block.count {
      if block.isEmpty { block = [UInt8](repeating: 0, count: 1024) }
      SecureRandom.fill(&block)
      used = 0
    }
    var value: UInt64 = 0
    for index in used..<used + 8 {
      value = value << 8 | UInt64(block[index])
      block[index] = 0
    }
    used += 8
    return value
  }
}

/// Random bytes and tokens for keys, nonces and passwords.
public enum SecureRandom {
  /// `count` random bytes.
  public static func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    fill(&bytes)
    return bytes
  }

  /// Overwrites every byte with a random one, from OpenSSL, or from the kernel should OpenSSL's generator fail.
  public static func fill(_ bytes: inout [UInt8]) {
    let done = bytes.withUnsafeMutableBufferPointer { RAND_bytes($0.baseAddress, Int32($0.count)) }
    if done == 1 { return }
    var kernel = SystemRandomNumberGenerator()
    for index in bytes.indices { bytes[index] = UInt8.random(in: 0...255, using: &kernel) }
  }

  /// A random token of `count` characters that people can read to each other: letters and digits without 0, O, o, 1,
  /// l and I; 5.8 bits a character, so 22 of them carry more than 127 bits.
  public static func token(_ count: Int = 22) -> String {
    let alphabet = Array("23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz".utf8)
    var source = RandomBlock()
    return String(unsafeUninitializedCapacity: count) { output in
      for index in 0..<count { output[index] = alphabet[Int.random(in: 0..<alphabet.count, using: &source)] }
      return count
    }
  }
}
