/// A mapping's keys and values, as `Decodable` types ask for them.
struct MappingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  private let decoder: NodeDecoder
  private let values: [String: YAMLNode]
  private let order: [String]

  init(_ decoder: NodeDecoder, entries: [YAMLEntry]) {
    self.decoder = decoder
    order = entries.map(\.key)
    values = Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }
  }

  var codingPath: [any CodingKey] { decoder.codingPath }

  /// Who asks for all keys (a dictionary) knows them all.
  var allKeys: [Key] {
    order.compactMap { name in
      guard let key = Key(stringValue: name) else { return nil }
      decoder.note(key)
      return key
    }
  }

  func contains(_ key: Key) -> Bool {
    decoder.note(key)
    return values[key.stringValue] != nil
  }

  private func part(_ key: Key) throws -> NodeDecoder {
    decoder.note(key)
    guard let node = values[key.stringValue] else {
      throw decoder.failure("the key '\(key.stringValue)' is missing")
    }
    return decoder.part(node, key)
  }

  func decodeNil(forKey key: Key) throws -> Bool { try part(key).node.isNull }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try part(key).value(type) }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try part(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try part(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { decoder }

  func superDecoder(forKey key: Key) throws -> any Decoder { try part(key) }
}
