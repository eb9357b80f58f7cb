/// A growing block of bytes that is used again for each message. Its owner deallocates it.
struct TextBuffer {
  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var count = 0
  private var capacity: Int

  /// What a message may leave behind for the next; more is given back.
  private static let keptCapacity = 256 << 10

  init() {
    capacity = 16 << 10
    base = .allocate(capacity: capacity)
  }

  @inline(__always)
  mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
    guard let source = text.baseAddress else { return }
    if count + text.count > capacity { grow(to: count + text.count) }
    (base + count).update(from: source, count: text.count)
    count += text.count
  }

  /// Forgets what was appended after `count`.
  mutating func truncate(to count: Int) { self.count = count }

  mutating func reset() {
    count = 0
    guard capacity > Self.keptCapacity else { return }
    base.deallocate()
    self = TextBuffer()
  }

  func deallocate() { base.deallocate() }

  /// The range without white space at both ends.
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    var (lower, upper) = (range.lowerBound, range.upperBound)
    while lower < upper, isXMLSpace(base[lower]) { lower += 1 }
    while lower < upper, isXMLSpace(base[upper - 1]) { upper -= 1 }
    return lower..<upper
  }

  /// The range up to so many bytes, and not into a character.
  func cut(_ range: Range<Int>, most: Int) -> Range<Int> {
    guard range.count > most else { return range }
    var upper = range.lowerBound + most
    while upper > range.lowerBound, base[upper] & 0xC0 == 0x80 { upper -= 1 }
    return range.lowerBound..<upper
  }

  func bytes(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  /// A copy of everything.
  var copy: [UInt8] { Array(bytes(0..<count)) }

  private mutating func grow(to needed: Int) {
    capacity = max(needed, capacity * 2)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
  }
}
