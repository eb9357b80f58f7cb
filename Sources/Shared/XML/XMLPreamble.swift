/// Decides a document's charset and where its text begins: skips a byte order mark and blank lines before the XML
/// declaration (item 55), and finds the charset by item 22 (a charset given from outside, else the declaration, else
/// UTF-8). Bytes are held back only while they do not suffice.
struct XMLPreamble {
  /// The charset, as given or as found.
  private(set) var charset: XMLCharset
  /// For UTF-16: whether the high byte comes first.
  private(set) var bigEndian = true
  private(set) var isDecided = false
  /// What was held back, if anything: then the document's text is in here and not in the chunk.
  private(set) var held: [UInt8] = []
  /// Lines skipped before the document, so that positions are those of what was sent.
  private(set) var skippedLines = 0

  private let given: XMLCharset?

  /// A declaration is taken as missing when it does not end within so many bytes.
  private static let longestDeclaration = 512
  /// Blank bytes beyond this are handed on, for the parser to refuse: what is held back is scanned again.
  private static let mostHeld = 4 << 10

  init(charset: XMLCharset?) {
    given = charset
    self.charset = charset ?? .utf8
  }

  /// Takes a chunk; returns where the document's text begins, in `held` if that is not empty, else in the chunk; nil
  /// while more bytes are needed.
  mutating func take(_ chunk: UnsafeBufferPointer<UInt8>) -> Int? {
    if held.isEmpty {
      if let start = decide(chunk, atEnd: false) { return start }
      held.append(contentsOf: chunk)
      return nil
    }
    held.append(contentsOf: chunk)
    return decideHeld(atEnd: held.count > Self.mostHeld)
  }

  /// The document ends; decides with what there is.
  mutating func end() -> Int? { decideHeld(atEnd: true) }

  private mutating func decideHeld(atEnd: Bool) -> Int? {
    let bytes = held
    return bytes.withUnsafeBufferPointer { decide($0, atEnd: atEnd) }
  }

  private mutating func decide(_ bytes: UnsafeBufferPointer<UInt8>, atEnd: Bool) -> Int? {
    guard bytes.count >= 4 || atEnd else { return nil }
    if let start = decideUTF16(bytes) { return start }
    var start = 0
    while start < bytes.count, isBlank(bytes[start]) { start += 1 }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    if bytes.dropFirst(start).starts(with: mark) { start += 3 }
    while start < bytes.count, isBlank(bytes[start]) { start += 1 }
    let rest = UnsafeBufferPointer(rebasing: bytes[start...])
    let declaration: StaticString = "<?xml"
    let known = min(rest.count, 5)
    let isDeclaration = (0..<known).allSatisfy { rest[$0] == declaration.utf8Start[$0] }
    let partialMark = rest.count < 3 && rest.first == 0xEF
    if !atEnd, rest.isEmpty || partialMark || (isDeclaration && known < 5) { return nil }
    if isDeclaration, known == 5 {
      guard
        let end = rest.firstIndex(of: UInt8(ascii: ">")) ?? (atEnd || rest.count > Self.longestDeclaration ? 0 : nil)
      else { return nil }
      if given == nil { charset = declared(in: UnsafeBufferPointer(rebasing: rest[..<end])) ?? .utf8 }
    }
    // A document that is declared UTF-16 in bytes that are not is read as UTF-8.
    if charset == .utf16 { charset = .utf8 }
    skippedLines = bytes[..<start].count { $0 == 10 }
    isDecided = true
    return start
  }

  /// UTF-16 shows in the first bytes, whatever a label says: by its mark, or by `<` and another ASCII character.
  private mutating func decideUTF16(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    guard bytes.count >= 4 else { return nil }
    switch (bytes[0], bytes[1], bytes[2], bytes[3]) {
    case (0xFE, 0xFF, _, _): return utf16(bigEndian: true, start: 2)
    case (0xFF, 0xFE, _, _): return utf16(bigEndian: false, start: 2)
    case (0, UInt8(ascii: "<"), 0, _): return utf16(bigEndian: true, start: 0)
    case (UInt8(ascii: "<"), 0, _, 0): return utf16(bigEndian: false, start: 0)
    default: return nil
    }
  }

  private mutating func utf16(bigEndian: Bool, start: Int) -> Int {
    charset = .utf16
    self.bigEndian = bigEndian
    isDecided = true
    return start
  }

  /// The charset that a declaration names. By bytes: this runs for every message.
  private func declared(in declaration: UnsafeBufferPointer<UInt8>) -> XMLCharset? {
    let word: StaticString = "encoding"
    let length = word.utf8CodeUnitCount
    var start = 0
    while start + length <= declaration.count,
      !(0..<length).allSatisfy({ declaration[start + $0] == word.utf8Start[$0] })
    { start += 1 }
    let rest = declaration.dropFirst(start + length).drop { $0 == UInt8(ascii: "=") || isBlank($0) }
    guard let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
    let label = rest.dropFirst().prefix { $0 != quote }
    let isUTF8 = label.count == 5 && zip(label, "utf-8".utf8).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    return isUTF8 ? .utf8 : XMLCharset(label: String(decoding: label, as: UTF8.self))
  }

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 9 || byte == 10 || byte == 13 }
}
