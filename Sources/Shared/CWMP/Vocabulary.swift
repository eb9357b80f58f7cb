import XML

/// The words' numbers: a word's number is its place in ``Word``, from 1.
enum Vocabulary {
  static let xml = XMLVocabulary(Word.allCases.map(\.rawValue))

  /// By number; nil for 0, the unknown name.
  private static let words: [Word?] = [nil] + Word.allCases

  static func word(_ number: Int) -> Word? { words[number] }
}
