/// A text in which `*` stands for any characters, also none. There is no escape: no field of a device needs a star.
public struct Glob: Sendable, Equatable {
  /// The pattern.
  public let text: String

  /// Makes a pattern.
  public init(_ text: String) {
    self.text = text
  }

  /// Whether the whole of the other text fits. Its time is bounded by the product of both lengths.
  public func matches(_ other: String) -> Bool {
    let pattern = Array(text.utf8)
    let text = Array(other.utf8)
    var patternAt = 0
    var textAt = 0
    var star: (pattern: Int, text: Int)?
    while textAt < text.count {
      if patternAt < pattern.count, pattern[patternAt] == UInt8(ascii: "*") {
        star = (patternAt, textAt)
        patternAt += 1
      } else if patternAt < pattern.count, pattern[patternAt] == text[textAt] {
        patternAt += 1
        textAt += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        patternAt = last.pattern + 1
        textAt = last.text + 1
      } else {
        return false
      }
    }
    return pattern[patternAt...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
