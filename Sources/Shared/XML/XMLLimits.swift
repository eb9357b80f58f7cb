/// Bounds of one document. What exceeds them is refused while it arrives, not after.
public struct XMLLimits: Sendable, Hashable {
  /// Bytes of the document as fed. libxml2 needs about as much memory as the longest construct, not as the document.
  public var bytes: Int
  /// Nested elements. libxml2's own limit of 256 does not hold for a SAX-only parse.
  public var depth: Int
  /// Elements in all.
  public var elements: Int
  /// Attributes and namespace declarations of one element.
  public var attributes: Int
  /// Namespaces declared on an element and those around it. libxml2 looks each prefix up among them one by one.
  public var namespaces: Int
  /// Bytes that one tag, comment or processing instruction may take; eight times as many for a CDATA section. It also
  /// bounds libxml2's quadratic search for duplicate attributes.
  public var construct: Int

  /// Makes limits; the defaults fit CWMP (16 MiB bodies, 50,000 parameters).
  public init(
    bytes: Int = 16 << 20, depth: Int = 32, elements: Int = 400_000, attributes: Int = 32, namespaces: Int = 128,
    construct: Int = 16 << 10
  ) {
    self.bytes = bytes
    self.depth = depth
    self.elements = elements
    self.attributes = attributes
    self.namespaces = namespaces
    self.construct = construct
  }
}
