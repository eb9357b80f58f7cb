/// Takes secrets out of a message for people to read.
public enum Redaction {
  /// The envelope with the values of secret parameters, and the text of secret arguments such as Download's Password,
  /// replaced by `***`. All else stays byte for byte.
  ///
  /// It works on the bytes, also of a message that does not parse, and rather hides too much: within a document that it
  /// cannot follow, everything from the first doubt on is left out.
  public static func redacted(_ envelope: Span<UInt8>) -> [UInt8] {
    envelope.withUnsafeBufferPointer { bytes in
      var redactor = Redactor(bytes)
      return redactor.run()
    }
  }

  /// As ``redacted(_:)-(Span<UInt8>)``.
  public static func redacted(_ envelope: [UInt8]) -> [UInt8] { redacted(envelope.span) }
}

/// Walks over tags and texts. The text of a `Name` element is remembered; the text of the next `Value` is hidden if
/// that name is secret, or if it comes before its struct's name; so is the text of an element whose own name is secret.
private struct Redactor {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var result: [UInt8] = []
  private var element = 0..<0
  /// The last Name's text; a CDATA part or a reference in it counts as secret.
  private var parameter: [UInt8] = []
  private var nameIsOdd = true
  private var hidden = false

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    result.reserveCapacity(bytes.count)
  }

  mutating func run() -> [UInt8] {
    // UTF-16 shows its NULs at once; it is not worth following.
    guard !bytes.prefix(4).contains(0) else { return Array("[not shown: UTF-16]".utf8) }
    while position < bytes.count {
      guard bytes[position] == UInt8(ascii: "<") else {
        text(until: bytes[position...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count)
        continue
      }
      if starts(with: "<![CDATA[") {
        guard section("]]>", isText: true) else { break }
      } else if starts(with: "<!--") {
        guard section("-->", isText: false) else { break }
      } else {
        guard tag() else { break }
      }
    }
    return result
  }

  private mutating func text(until end: Int) {
    let range = position..<end
    position = end
    show(range, isPlain: !bytes[range].contains(UInt8(ascii: "&")))
  }

  private mutating func show(_ range: Range<Int>, isPlain: Bool) {
    if isElement("Name") {
      parameter.append(contentsOf: bytes[range])
      if !isPlain { nameIsOdd = true }
    }
    guard isSecret else { return result.append(contentsOf: bytes[range]) }
    let isBlank = range.allSatisfy { isXMLSpace(bytes[$0]) }
    guard !isBlank else { return result.append(contentsOf: bytes[range]) }
    if !hidden { result.append(contentsOf: SecretParameters.placeholder.utf8) }
    hidden = true
  }

  private var isSecret: Bool {
    if isElement("Value") {
      return nameIsOdd || parameter.withUnsafeBufferPointer { SecretParameters.isSecret(Self.trimmed($0)) }
    }
    return SecretParameters.isSecret(UnsafeBufferPointer(rebasing: bytes[element]))
  }

  private static func trimmed(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    var range = text.startIndex..<text.endIndex
    while let first = range.first, isXMLSpace(text[first]) { range = range.dropFirst() }
    while let last = range.last, isXMLSpace(text[last]) { range = range.dropLast() }
    return UnsafeBufferPointer(rebasing: text[range])
  }

  /// A comment or CDATA section up to its end mark; false if there is none. A comment is dropped: it may hold anything.
  private mutating func section(_ mark: StaticString, isText: Bool) -> Bool {
    var end = position
    while end < bytes.count, !starts(with: mark, at: end) { end += 1 }
    guard end < bytes.count else { return false }
    let range = position..<(end + 3)
    position = range.upperBound
    if isText { show(range, isPlain: false) }
    return true
  }

  private mutating func tag() -> Bool {
    guard let end = bytes[position...].firstIndex(of: UInt8(ascii: ">")) else { return false }
    let inside = (position + 1)..<end
    let isEnd = bytes[position + 1] == UInt8(ascii: "/")
    result.append(contentsOf: bytes[position...end])
    position = end + 1
    hidden = false
    if isEnd, isElement("Value") { forgetName(isOdd: true) }
    element = isEnd || bytes[end - 1] == UInt8(ascii: "/") ? 0..<0 : localName(inside)
    if isElement("Name") { forgetName(isOdd: false) }
    if isElement("ParameterValueStruct") { forgetName(isOdd: true) }
    return true
  }

  private mutating func forgetName(isOdd: Bool) {
    parameter = []
    nameIsOdd = isOdd
  }

  private func localName(_ tag: Range<Int>) -> Range<Int> {
    var range = tag.lowerBound..<(tag.first { isXMLSpace(bytes[$0]) } ?? tag.upperBound)
    if let colon = range.last(where: { bytes[$0] == UInt8(ascii: ":") }) { range = (colon + 1)..<range.upperBound }
    return range
  }

  private func isElement(_ name: StaticString) -> Bool {
    element.count == name.utf8CodeUnitCount && starts(with: name, at: element.lowerBound)
  }

  private func starts(with text: StaticString, at start: Int? = nil) -> Bool {
    let start = start ?? position
    guard start + text.utf8CodeUnitCount <= bytes.count else { return false }
    return (0..<text.utf8CodeUnitCount).allSatisfy { bytes[start + $0] == text.utf8Start[$0] }
  }
}
