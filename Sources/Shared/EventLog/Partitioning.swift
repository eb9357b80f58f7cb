/// Where a key goes: murmur2 as Kafka's Java clients have it (`murmur2_random`), so that other systems' tools place a
/// device's records alike and all topics of ours agree.
public enum Partitioning {
  /// The partition of `key` among `count`.
  /// - Parameter key: not empty; an empty key goes to partition 0.
  public static func partition(of key: some RandomAccessCollection<UInt8>, among count: Int32) -> Int32 {
    guard !key.isEmpty, count > 0 else { return 0 }
    return Int32(murmur2(key) & 0x7fff_ffff) % count
  }

  /// Murmur2 with Kafka's seed over `bytes`.
  static func murmur2(_ bytes: some RandomAccessCollection<UInt8>) -> UInt32 {
    let m: UInt32 = 0x5bd1_e995
    var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
    var index = bytes.startIndex
    var left = bytes.count
    func byte(_ distance: Int) -> UInt32 { UInt32(bytes[bytes.index(index, offsetBy: distance)]) }
    while left >= 4 {
      var k = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24
      k = k &* m
      k ^= k >> 24
      k = k &* m
      hash = hash &* m ^ k
      index = bytes.index(index, offsetBy: 4)
      left -= 4
    }
    if left > 0 {
      if left >= 3 { hash ^= byte(2) << 16 }
      if left >= 2 { hash ^= byte(1) << 8 }
      hash = (hash ^ byte(0)) &* m
    }
    hash ^= hash >> 13
    hash = hash &* m
    return hash ^ hash >> 15
  }
}
