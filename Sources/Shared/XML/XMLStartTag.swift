/// A start tag while its callback runs. Not copyable, so that it cannot outlive the parser's memory.
public struct XMLStartTag: ~Copyable {
  /// The local name's number in the vocabulary; 0 for an unknown name.
  public let name: Int
  /// The namespace URI's number in the vocabulary; 0 for an unknown one, for none and for an unbound prefix.
  public let namespace: Int

  let localName: UnsafePointer<UInt8>
  let uri: UnsafePointer<UInt8>?
  let attributes: UnsafeMutablePointer<UnsafePointer<UInt8>?>?
  /// How many attributes the tag has, namespace declarations not counted.
  public let attributeCount: Int
  let namespaces: UnsafeMutablePointer<UnsafePointer<UInt8>?>?
  /// How many namespaces the tag declares.
  public let declaredNamespaceCount: Int
  let names: UnsafePointer<InternedNames>

  /// The local name as text (for names outside the vocabulary).
  public var localNameText: String { String(cString: localName) }

  /// The namespace URI as text, if the name has one.
  public var namespaceText: String? { uri.map { String(cString: $0) } }

  /// The number of attribute `index`'s local name; 0 for an unknown name.
  public func attributeName(_ index: Int) -> Int {
    guard let attributes, let name = attributes[index * 5] else { return 0 }
    return names.pointee.number(of: name)
  }

  /// The value of attribute `index` as bytes, with references as the parser leaves them (`&amp;` is
  /// `&#38;`). Valid until the callback returns.
  public func withAttributeValue<R>(_ index: Int, _ body: (Span<UInt8>) -> R) -> R {
    guard let attributes, let start = attributes[index * 5 + 3], let end = attributes[index * 5 + 4] else {
      return body(Span())
    }
    return body(UnsafeBufferPointer(start: start, count: end - start).span)
  }

  /// The number of declared namespace `index`'s URI in the vocabulary; 0 for an unknown one.
  public func declaredNamespaceNumber(_ index: Int) -> Int {
    guard let namespaces, let uri = namespaces[index * 2 + 1] else { return 0 }
    return names.pointee.number(of: uri)
  }

  /// The URI of declared namespace `index` as text (`xmlns:p="uri"`), empty for `xmlns=""`.
  public func declaredNamespace(_ index: Int) -> String {
    guard let namespaces, let uri = namespaces[index * 2 + 1] else { return "" }
    return String(cString: uri)
  }
}
