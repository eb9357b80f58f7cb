/// A list's items in order.
struct SequenceContainer: UnkeyedDecodingContainer {
  private let decoder: NodeDecoder
  private let items: [YAMLNode]
  private(set) var currentIndex = 0

  init(_ decoder: NodeDecoder, items: [YAMLNode]) {
    self.decoder = decoder
    self.items = items
  }

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { items.count }
  var isAtEnd: Bool { currentIndex >= items.count }

  private mutating func part() throws -> NodeDecoder {
    guard !isAtEnd else { throw decoder.failure("the list has only \(items.count) items") }
    defer { currentIndex += 1 }
    return decoder.part(items[currentIndex], IndexKey(currentIndex))
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, items[currentIndex].isNull else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try part().value(type) }

  mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    try part().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try part().unkeyedContainer() }

  mutating func superDecoder() throws -> any Decoder { try part() }
}
