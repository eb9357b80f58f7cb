/// The `Decoder` at one node.
final class NodeDecoder: Decoder {
  let node: YAMLNode
  let codingPath: [any CodingKey]
  let userInfo: [CodingUserInfoKey: Any] = [:]
  let document: YAMLDocument
  let strict: Bool
  /// The keys that the type asked for, and whether it asked by key at all; what is left over is unknown to it.
  private var asked: Set<String> = []
  private var readsKeys = false
  private var nested: [NodeDecoder] = []

  init(_ node: YAMLNode, path: [any CodingKey], document: YAMLDocument, strict: Bool) {
    self.node = node
    codingPath = path
    self.document = document
    self.strict = strict
  }

  /// The decoder of a part, whose keys are checked with this one's.
  func part(_ node: YAMLNode, _ key: any CodingKey) -> NodeDecoder {
    let part = NodeDecoder(node, path: codingPath + [key], document: document, strict: strict)
    nested.append(part)
    return part
  }

  func note(_ key: any CodingKey) {
    asked.insert(key.stringValue)
  }

  func value<Value: Decodable>(_ type: Value.Type) throws -> Value {
    if let node = node as? Value { return node }
    do {
      let value = try type.init(from: self)
      try refuseUnknownKeys()
      return value
    } catch let error where !(error is YAMLError) && !(error is DecodingError) {
      throw failure("\(error)")
    }
  }

  private func refuseUnknownKeys() throws(YAMLError) {
    for part in nested { try part.refuseUnknownKeys() }
    guard strict, readsKeys, case .mapping(let entries) = node.content else { return }
    for entry in entries where !asked.contains(entry.key) {
      throw YAMLError(
        file: document.file, mark: entry.mark, path: Self.text(of: codingPath),
        reason: "unknown key '\(entry.key)'" + Suggestion.hint(for: entry.key, known: asked))
    }
  }

  func failure(_ reason: String) -> YAMLError {
    YAMLError(file: document.file, mark: node.mark, path: Self.text(of: codingPath), reason: reason)
  }

  /// `a.b[0].c`.
  static func text(of path: [any CodingKey]) -> String {
    path.reduce(into: "") { text, key in
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += (text.isEmpty ? "" : ".") + key.stringValue
      }
    }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .mapping(let entries) = node.content else {
      // An empty section, `gateway:` with nothing after it, is one without keys.
      if node.isNull {
        readsKeys = true
        return KeyedDecodingContainer(MappingContainer<Key>(self, entries: []))
      }
      throw failure("a mapping is expected, this is \(node.kind)")
    }
    readsKeys = true
    return KeyedDecodingContainer(MappingContainer<Key>(self, entries: entries))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .sequence(let items) = node.content else {
      throw failure("a list is expected, this is \(node.kind)")
    }
    return SequenceContainer(self, items: items)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { ScalarContainer(decoder: self) }
}

/// The index of a list's item as a key.
struct IndexKey: CodingKey {
  let intValue: Int?
  var stringValue: String { intValue.map(String.init) ?? "" }
  init(_ index: Int) { intValue = index }
  init?(intValue: Int) { self.init(intValue) }
  init?(stringValue: String) { nil }
}
