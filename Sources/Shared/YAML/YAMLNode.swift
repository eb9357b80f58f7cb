/// A place in a document; both count from 1, columns in characters.
public struct YAMLMark: Equatable, Sendable {
  /// From 1.
  public let line: Int
  /// From 1.
  public let column: Int

  /// A place.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// A node of a parsed document, with its place.
public struct YAMLNode: Sendable {
  /// What a node is.
  public enum Content: Sendable {
    /// A text. Plain ones (without quotes or block style) may also read as null, a boolean or a number.
    case scalar(String, isPlain: Bool)
    /// A list.
    case sequence([YAMLNode])
    /// Key and value pairs in the document's order; no key occurs twice.
    case mapping([YAMLEntry])
  }

  /// What the node is.
  public let content: Content
  /// Where it begins.
  public let mark: YAMLMark

  /// A node.
  public init(_ content: Content, mark: YAMLMark) {
    self.content = content
    self.mark = mark
  }

  /// The value of a key of a mapping; `nil` where the node is no mapping or has no such key.
  public subscript(key: String) -> YAMLNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// The text of a scalar.
  public var text: String? {
    guard case .scalar(let text, _) = content else { return nil }
    return text
  }

  /// Whether it is the null of YAML's core schema: plain and empty, `~`, `null`, `Null` or `NULL`.
  public var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
  }

  /// The boolean of YAML's core schema: plain `true` or `false` in three spellings. `yes` and `on` are texts.
  public var boolean: Bool? {
    guard case .scalar(let text, isPlain: true) = content else { return nil }
    switch text {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: return nil
    }
  }

  /// The name of what the node is, for messages.
  public var kind: String {
    switch content {
    case .scalar: isNull ? "nothing" : "a single value"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// A key and its value.
public struct YAMLEntry: Sendable {
  /// The key's text.
  public let key: String
  /// Where the key begins.
  public let mark: YAMLMark
  /// The value.
  public let value: YAMLNode

  /// A key and its value.
  public init(key: String, mark: YAMLMark, value: YAMLNode) {
    self.key = key
    self.mark = mark
    self.value = value
  }
}

extension YAMLNode: Decodable {
  /// A node decodes as itself, from a ``YAMLDecoder`` only.
  public init(from decoder: any Decoder) throws {
    guard let decoder = decoder as? NodeDecoder else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a YAML node is read by a YAMLDecoder only"))
    }
    self = decoder.node
  }
}
