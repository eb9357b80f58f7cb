/// A single value as text, boolean or number.
struct ScalarContainer: SingleValueDecodingContainer {
  let decoder: NodeDecoder

  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { decoder.node.isNull }

  func decode(_ type: Bool.Type) throws -> Bool {
    guard let value = decoder.node.boolean else { throw wrong("true or false") }
    return value
  }

  func decode(_ type: String.Type) throws -> String {
    guard let text = decoder.node.text, !decoder.node.isNull else { throw wrong("a text") }
    return text
  }

  func decode(_ type: Double.Type) throws -> Double {
    guard case .scalar(let text, isPlain: true) = decoder.node.content, Self.beginsLikeNumber(text),
      let value = Double(text), value.isFinite
    else { throw wrong("a number") }
    return value
  }

  func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
  func decode(_ type: Int.Type) throws -> Int { try integer() }
  func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
  func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
  func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
  func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
  func decode(_ type: UInt.Type) throws -> UInt { try integer() }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    // The same node for another type: a decoder of its own, so that each checks the keys that it asked for.
    try NodeDecoder(decoder.node, path: codingPath, document: decoder.document, strict: decoder.strict).value(type)
  }

  private func integer<Value: FixedWidthInteger>() throws -> Value {
    guard case .scalar(let text, isPlain: true) = decoder.node.content, Self.beginsLikeNumber(text) else {
      throw wrong("a whole number")
    }
    if let value = Value(text) { return value }
    guard text.dropFirst(text.first == "-" ? 1 : 0).allSatisfy(\.isNumber) else { throw wrong("a whole number") }
    throw decoder.failure("\(text) is outside \(Value.min) to \(Value.max)")
  }

  private static func beginsLikeNumber(_ text: String) -> Bool {
    guard let first = text.utf8.first else { return false }
    return first == UInt8(ascii: "-") || first == UInt8(ascii: "+") || first == UInt8(ascii: ".")
      || (first >= UInt8(ascii: "0") && first <= UInt8(ascii: "9"))
  }

  private func wrong(_ expected: String) -> YAMLError {
    guard let text = decoder.node.text, !decoder.node.isNull else {
      return decoder.failure("\(expected) is expected, this is \(decoder.node.kind)")
    }
    return decoder.failure("\(expected) is expected, not '\(text.prefix(60))'")
  }
}
