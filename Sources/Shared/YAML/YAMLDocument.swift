/// How large a document may be; beyond, it is refused before memory is.
public struct YAMLLimits: Sendable {
  /// Bytes of the whole input.
  public var bytes = 1 << 20
  /// Nested lists and mappings.
  public var depth = 32
  /// Scalars, lists and mappings together.
  public var nodes = 100_000

  /// 1 MiB, 32 levels, 100,000 nodes.
  public init() {}
}

/// One parsed document: a tree with marks.
///
/// Of YAML 1.2 it takes what people write by hand: mappings, lists, all styles of scalars. Anchors, aliases, tags, keys
/// that are no text and duplicate keys are refused: they make a document mean something else than it seems to.
public struct YAMLDocument: Sendable {
  /// The file's name, for errors.
  public let file: String
  /// The top node; a null scalar for an empty document.
  public let root: YAMLNode

  /// A document of a tree.
  public init(file: String, root: YAMLNode) {
    self.file = file
    self.root = root
  }

  /// The one document of an input.
  ///
  /// - Throws: ``YAMLError`` with the place.
  public static func parse(
    _ bytes: [UInt8], file: String, limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) -> YAMLDocument {
    let all = try parseAll(bytes, file: file, limits: limits)
    if all.count > 1 {
      throw YAMLError(file: file, mark: all[1].root.mark, reason: "a second document begins here; one is expected")
    }
    return all.first
      ?? YAMLDocument(file: file, root: YAMLNode(.scalar("", isPlain: true), mark: YAMLMark(line: 1, column: 1)))
  }

  /// All documents of an input, which `---` separates.
  ///
  /// - Throws: ``YAMLError`` with the place.
  public static func parseAll(
    _ bytes: [UInt8], file: String, limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) -> [YAMLDocument] {
    guard bytes.count <= limits.bytes else {
      throw YAMLError(file: file, mark: nil, reason: "\(bytes.count) bytes, the limit is \(limits.bytes)")
    }
    let parser = YAMLParser(file: file, limits: limits)
    return try parser.parse(bytes).map { YAMLDocument(file: file, root: $0) }
  }

  /// The node at a path of keys and indices; `nil` where it leads nowhere.
  public func node(at path: [any CodingKey]) -> YAMLNode? {
    var node = root
    for key in path {
      let next: YAMLNode?
      if let index = key.intValue, case .sequence(let items) = node.content {
        next = items.indices.contains(index) ? items[index] : nil
      } else {
        next = node[key.stringValue]
      }
      guard let next else { return nil }
      node = next
    }
    return node
  }
}
