import CLibXML2

/// What libxml2's callbacks work on: counts against the limits, and the sink behind them.
///
/// A struct behind a pointer that the parser owns: accesses to a class's properties would be checked for exclusivity
/// and its references counted, several times per tag.
struct ParserState {
  private(set) var depth = 0
  private(set) var elements = 0
  /// The limit or rule that the document broke; nothing is delivered after it.
  private(set) var refusal: XMLError.Kind?
  /// The first error that libxml2 reported, namespace errors aside.
  private(set) var firstError: LibraryError?
  /// The context that calls back, for stopping it. Owned by the parser.
  var context: xmlParserCtxtPtr?

  /// Kept alive by the parser.
  private let sink: Unmanaged<XMLSink>
  private var limits: XMLLimits
  private let names: UnsafeMutablePointer<InternedNames>

  /// What libxml2 said, and where.
  struct LibraryError {
    var code: Int32
    var line: Int
    var column: Int
    var message: String
  }

  typealias Names = UnsafeMutablePointer<UnsafePointer<UInt8>?>

  init(sink: XMLSink, limits: XMLLimits) {
    self.sink = .passUnretained(sink)
    self.limits = limits
    names = .allocate(capacity: 1)
    names.initialize(to: InternedNames(pointers: []))
  }

  func deallocate() {
    names.pointee.deallocate()
    names.deallocate()
  }

  func adopt(_ interned: InternedNames) {
    names.pointee.deallocate()
    names.pointee = interned
  }

  mutating func reset(limits: XMLLimits) {
    depth = 0
    elements = 0
    refusal = nil
    firstError = nil
    self.limits = limits
  }

  mutating func note(_ error: xmlError) {
    guard firstError == nil, error.level.rawValue >= XML_ERR_ERROR.rawValue,
      error.domain != XML_FROM_NAMESPACE.rawValue
    else { return }
    var message = error.message.map { String(cString: $0) } ?? "not well-formed"
    while message.last?.isNewline == true { message.removeLast() }
    firstError = LibraryError(code: error.code, line: Int(error.line), column: Int(error.int2), message: message)
  }

  mutating func refuse(_ kind: XMLError.Kind) {
    if refusal == nil { refusal = kind }
    if let context { xmlStopParser(context) }
  }

  @inline(__always)
  mutating func startElement(
    _ localName: UnsafePointer<UInt8>, uri: UnsafePointer<UInt8>?, attributes: Int, _ attributeTable: Names?,
    namespaces: Int, _ namespaceTable: Names?
  ) {
    depth += 1
    elements += 1
    if depth > limits.depth || elements > limits.elements || attributes + namespaces > limits.attributes {
      return refuse(
        depth > limits.depth ? .tooDeep : elements > limits.elements ? .tooManyElements : .tooManyAttributes)
    }
    // Prefix and URI of each stand in one table.
    if namespaces > 0, let context, context.pointee.nsNr > 2 * limits.namespaces { return refuse(.tooManyNamespaces) }
    let tag = XMLStartTag(
      name: names.pointee.number(of: localName), namespace: uri.map { names.pointee.number(of: $0) } ?? 0,
      localName: localName, uri: uri, attributes: attributeTable, attributeCount: attributes,
      namespaces: namespaceTable, declaredNamespaceCount: namespaces, names: UnsafePointer(names))
    let depth = depth
    sink._withUnsafeGuaranteedRef { $0.startElement(tag, depth: depth) }
    stopIfAsked()
  }

  @inline(__always)
  mutating func endElement() {
    let depth = depth
    sink._withUnsafeGuaranteedRef { $0.endElement(depth: depth) }
    self.depth = depth - 1
    stopIfAsked()
  }

  @inline(__always)
  func characters(_ text: UnsafeBufferPointer<UInt8>) {
    sink._withUnsafeGuaranteedRef { $0.characters(text.span) }
  }

  @inline(__always)
  private func stopIfAsked() {
    if sink._withUnsafeGuaranteedRef({ $0.isStopped }), let context { xmlStopParser(context) }
  }
}

/// The callbacks of every parser here. Their `userData` is the parser's ``ParserState``, which outlives its context.
/// Characters and ignorable white space share one function, so that libxml2 does not guess which is which: white
/// space in a Value counts (item 50).
var saxHandler: xmlSAXHandler {
  var handler = xmlSAXHandler()
  handler.initialized = XML_SAX2_MAGIC
  handler.startElementNs = { userData, localName, _, uri, namespaceCount, namespaces, attributeCount, _, attributes in
    guard let userData, let localName else { return }
    userData.assumingMemoryBound(to: ParserState.self).pointee.startElement(
      localName, uri: uri, attributes: Int(attributeCount), attributes, namespaces: Int(namespaceCount), namespaces)
  }
  handler.endElementNs = { userData, _, _, _ in
    userData?.assumingMemoryBound(to: ParserState.self).pointee.endElement()
  }
  let characters: charactersSAXFunc = { userData, text, count in
    guard let userData, let text else { return }
    userData.assumingMemoryBound(to: ParserState.self).pointee.characters(
      UnsafeBufferPointer(start: text, count: Int(count)))
  }
  handler.characters = characters
  handler.ignorableWhitespace = characters
  // The first error decides: libxml2 goes on for a while, and later errors may only follow from it.
  handler.serror = { userData, error in
    guard let userData, let error else { return }
    userData.assumingMemoryBound(to: ParserState.self).pointee.note(error.pointee)
  }
  handler.internalSubset = { userData, _, _, _ in
    userData?.assumingMemoryBound(to: ParserState.self).pointee.refuse(.documentType)
  }
  return handler
}
