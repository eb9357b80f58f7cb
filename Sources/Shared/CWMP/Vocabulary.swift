import XML

/// ``Word`` as the XML parser knows it.
enum Vocabulary {
  static let xml = XMLVocabulary(Word.allCases.map(\.text))

  /// The word with a number; nil for 0, the unknown name.
  @inline(__always)
  static func word(_ number: Int) -> Word? { Word(rawValue: UInt8(truncatingIfNeeded: number)) }
}
