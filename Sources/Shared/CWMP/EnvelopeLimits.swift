public import XML

/// Bounds of one message.
public struct EnvelopeLimits: Sendable, Hashable {
  /// Bounds of the document.
  public var xml: XMLLimits
  /// Parameters of one list; more refuse the message.
  public var parameters: Int
  /// Bytes of a parameter's name; a longer one leaves that parameter out (the XSD says 256).
  public var nameBytes: Int
  /// Bytes of a value; a longer one leaves that parameter out.
  public var valueBytes: Int
  /// Bytes of any other text, which is cut there: the longest that the XSD knows is a URL of 1,024 characters.
  public var textBytes: Int
  /// Blocks of the Header; more refuse the message. CWMP knows six.
  public var headerBlocks: Int

  /// Makes limits; the defaults are the product's.
  public init(
    xml: XMLLimits = XMLLimits(), parameters: Int = 50_000, nameBytes: Int = 256, valueBytes: Int = 64 << 10,
    textBytes: Int = 4 << 10, headerBlocks: Int = 64
  ) {
    self.xml = xml
    self.parameters = parameters
    self.nameBytes = nameBytes
    self.valueBytes = valueBytes
    self.textBytes = textBytes
    self.headerBlocks = headerBlocks
  }
}
