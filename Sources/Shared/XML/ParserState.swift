import CLibXML2

/// What libxml2's callbacks see: counts against the limits, and the sink behind them.
final class ParserState {
  unowned(unsafe) let sink: XMLSink
  private(set) var depth = 0
  private(set) var elements = 0
  /// The limit or rule that the document broke; nothing is delivered after it.
  private(set) var refusal: XMLError.Kind?

  /// The context that calls back, for stopping it. Owned by the parser.
  var context: xmlParserCtxtPtr?

  private var limits: XMLLimits
  private var names: UnsafeMutablePointer<InternedNames>

  /// - Parameter sink: Kept alive by the parser that owns this state.
  init(sink: XMLSink, limits: XMLLimits) {
    self.sink = sink
    self.limits = limits
    names = .allocate(capacity: 1)
    names.initialize(to: InternedNames(pointers: []))
  }

  deinit {
    names.pointee.deallocate()
    names.deallocate()
  }

  func adopt(_ interned: InternedNames) {
    names.pointee.deallocate()
    names.pointee = interned
  }

  func reset(limits: XMLLimits) {
    depth = 0
    elements = 0
    refusal = nil
    self.limits = limits
  }

  func refuseDocumentType() { refusal = .documentType }

  /// Delivers a start tag; false means that the parse must stop.
  @inline(__always)
  func startElement(
    _ localName: UnsafePointer<UInt8>, uri: UnsafePointer<UInt8>?, attributes: Int, _ attributeTable: Names?,
    namespaces: Int, _ namespaceTable: Names?
  ) -> Bool {
    depth += 1
    elements += 1
    if depth > limits.depth || elements > limits.elements || attributes > limits.attributes {
      refusal =
        depth > limits.depth ? .tooDeep : elements > limits.elements ? .tooManyElements : .tooManyAttributes
      return false
    }
    let tag = XMLStartTag(
      name: names.pointee.number(of: localName), namespace: uri.map { names.pointee.number(of: $0) } ?? 0,
      localName: localName, uri: uri, attributes: attributeTable, attributeCount: attributes,
      namespaces: namespaceTable, declaredNamespaceCount: namespaces, names: UnsafePointer(names))
    sink.startElement(tag, depth: depth)
    return !sink.isStopped
  }

  @inline(__always)
  func endElement() -> Bool {
    sink.endElement(depth: depth)
    depth -= 1
    return !sink.isStopped
  }

  typealias Names = UnsafeMutablePointer<UnsafePointer<UInt8>?>
}

/// The callbacks of every parser here. Their `userData` is a ``ParserState``, alive as long as its parser's context.
/// Characters and ignorable white space share one function, so that libxml2 does not guess which is which: white
/// space in a Value counts (item 50).
var saxHandler: xmlSAXHandler {
  var handler = xmlSAXHandler()
  handler.initialized = XML_SAX2_MAGIC
  handler.startElementNs = { userData, localName, _, uri, namespaceCount, namespaces, attributeCount, _, attributes in
    guard let userData, let localName else { return }
    Unmanaged<ParserState>.fromOpaque(userData)._withUnsafeGuaranteedRef { state in
      let goOn = state.startElement(
        localName, uri: uri, attributes: Int(attributeCount), attributes, namespaces: Int(namespaceCount), namespaces)
      if !goOn { stopParser(state) }
    }
  }
  handler.endElementNs = { userData, _, _, _ in
    guard let userData else { return }
    Unmanaged<ParserState>.fromOpaque(userData)._withUnsafeGuaranteedRef { state in
      if !state.endElement() { stopParser(state) }
    }
  }
  let characters: charactersSAXFunc = { userData, text, count in
    guard let userData, let text else { return }
    Unmanaged<ParserState>.fromOpaque(userData)._withUnsafeGuaranteedRef { state in
      state.sink.characters(UnsafeBufferPointer(start: text, count: Int(count)).span)
    }
  }
  handler.characters = characters
  handler.ignorableWhitespace = characters
  handler.internalSubset = { userData, _, _, _ in
    guard let userData else { return }
    Unmanaged<ParserState>.fromOpaque(userData)._withUnsafeGuaranteedRef { state in
      state.refuseDocumentType()
      stopParser(state)
    }
  }
  return handler
}

/// Ends the parse that is calling back; libxml2 then delivers nothing more.
private func stopParser(_ state: ParserState) {
  if let context = state.context { xmlStopParser(context) }
}
