import CLibXML2

/// A strict, reusable XML push parser: bytes in as they arrive, events out to one ``XMLSink``.
///
/// It is libxml2's SAX2 interface through one context that is reset for each document (about 30 % cheaper than a new
/// one). Not Sendable: one parser belongs to one event loop. It refuses document types, unknown entities and whatever
/// exceeds ``XMLLimits``; it resolves names by number through an ``XMLVocabulary``. Unbound namespace prefixes pass:
/// CPEs send them (item 30).
public final class XMLPushParser {
  /// The bounds of each document. They hold from the next ``begin(charset:)``.
  public var limits: XMLLimits

  private let sink: XMLSink
  private let vocabulary: XMLVocabulary
  private let state: UnsafeMutablePointer<ParserState>
  private var context: xmlParserCtxtPtr?
  private var preamble = XMLPreamble(charset: nil)
  private var transcoder: XMLTranscoder?
  private var failure: XMLError?
  private var fedBytes = 0

  /// Makes a parser for one sink.
  public init(vocabulary: XMLVocabulary, sink: XMLSink, limits: XMLLimits = XMLLimits()) {
    self.vocabulary = vocabulary
    self.sink = sink
    self.limits = limits
    state = .allocate(capacity: 1)
    state.initialize(to: ParserState(sink: sink, limits: limits))
  }

  deinit {
    freeContext()
    state.pointee.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Begins a document and forgets the one before. Nil as charset means: as the XML declaration says, else UTF-8.
  public func begin(charset: XMLCharset? = nil) {
    failure = nil
    fedBytes = 0
    preamble = XMLPreamble(charset: charset)
    transcoder = nil
    sink.resume()
    state.pointee.reset(limits: limits)
    resetContext()
  }

  /// Takes the next bytes; the sink hears what they complete.
  public func feed(_ chunk: Span<UInt8>) throws(XMLError) {
    try chunk.withUnsafeBufferPointer { (bytes) throws(XMLError) in try feed(bytes) }
  }

  /// Takes the next bytes from memory that stays valid during the call.
  public func feed(_ chunk: UnsafeBufferPointer<UInt8>) throws(XMLError) {
    if let failure { throw failure }
    fedBytes += chunk.count
    guard fedBytes <= limits.bytes else {
      throw fail(XMLError(.tooManyBytes, line: line, column: 0, message: "more than \(limits.bytes) bytes"))
    }
    guard !preamble.isDecided else { return try pass(chunk) }
    guard let start = preamble.take(chunk) else { return }
    transcoder = preamble.charset == .utf8 ? nil : XMLTranscoder(preamble.charset, bigEndian: preamble.bigEndian)
    if preamble.held.isEmpty { return try pass(UnsafeBufferPointer(rebasing: chunk[start...])) }
    let held = preamble.held
    try held.withUnsafeBufferPointer { (bytes) throws(XMLError) in
      try pass(UnsafeBufferPointer(rebasing: bytes[start...]))
    }
  }

  /// Ends the document.
  ///
  /// - Throws: what was wrong with it, also what ``feed(_:)-(Span<UInt8>)`` has thrown already.
  public func finish() throws(XMLError) {
    if let failure { throw failure }
    if !preamble.isDecided, let start = preamble.end() {
      let held = preamble.held
      try held.withUnsafeBufferPointer { (bytes) throws(XMLError) in
        try pass(UnsafeBufferPointer(rebasing: bytes[start...]))
      }
    }
    guard let context else { throw fail(outOfMemory) }
    xmlParseChunk(context, nil, 0, 1)
    try check(context)
  }

  /// Whether the document's bytes were changed on their way to UTF-8 (bytes invalid in UTF-16 replaced).
  public var replacedBytes: Bool { transcoder?.replaced ?? false }

  /// The charset the document was read in; UTF-8 until enough bytes have come.
  public var charset: XMLCharset { preamble.charset }

  /// Parses one whole document.
  public func parse(_ document: Span<UInt8>, charset: XMLCharset? = nil) throws(XMLError) {
    begin(charset: charset)
    try feed(document)
    try finish()
  }
}

// MARK: - Bytes to libxml2

extension XMLPushParser {
  /// How much libxml2 gets at once: small enough to see a construct that never ends soon, and to stay in the cache.
  private static var piece: Int { 8 << 10 }

  private func pass(_ bytes: UnsafeBufferPointer<UInt8>) throws(XMLError) {
    if transcoder == nil { return try passUTF8(bytes) }
    let text = transcoder!.transcode(bytes)
    try text.withUnsafeBufferPointer { (text) throws(XMLError) in try passUTF8(text) }
  }

  private func passUTF8(_ bytes: UnsafeBufferPointer<UInt8>) throws(XMLError) {
    guard let context else { throw fail(outOfMemory) }
    guard let base = bytes.baseAddress else { return }
    var offset = 0
    while offset < bytes.count {
      let count = min(Self.piece, bytes.count - offset)
      let failed = (base + offset).withMemoryRebound(to: CChar.self, capacity: count) { piece in
        xmlParseChunk(context, piece, Int32(count), 0) != 0
      }
      offset += count
      if failed || state.pointee.refusal != nil || sink.isStopped { try check(context) }
      try checkGrowth(context)
    }
  }

  /// What grows while nothing is wrong yet: a construct whose end does not come, and the dictionary of names.
  private func checkGrowth(_ context: xmlParserCtxtPtr) throws(XMLError) {
    if let input = context.pointee.input?.pointee, input.end - input.cur > longestConstruct(context) {
      // libxml2 waits for the semicolon of a bare &, too.
      let isReference = input.cur.pointee == UInt8(ascii: "&")
      throw fail(
        XMLError(
          isReference ? .badCharacters(code: Int32(XML_ERR_ENTITYREF_SEMICOL_MISSING.rawValue)) : .constructTooLong,
          line: line, column: 0,
          message: isReference ? "a bare &" : "a tag or comment longer than \(limits.construct) bytes"))
    }
    if xmlDictSize(context.pointee.dict) > Self.dictionaryLimit * 2 {
      throw fail(XMLError(.tooManyNames, line: line, column: 0, message: "too many different names"))
    }
  }

  /// libxml2 hands on a CDATA section whose end it does not see 300 bytes a call, so more of it lies there.
  private func longestConstruct(_ context: xmlParserCtxtPtr) -> Int {
    context.pointee.instate == XML_PARSER_CDATA_SECTION ? limits.construct * 8 : limits.construct
  }

  private func check(_ context: xmlParserCtxtPtr) throws(XMLError) {
    if let kind = state.pointee.refusal { throw fail(refusal(kind)) }
    if sink.isStopped { throw fail(XMLError(.stopped, line: line, column: 0, message: "stopped by its reader")) }
    let code = context.pointee.errNo
    let onlyNamespace = code == 0 || (200...205).contains(code)
    if context.pointee.wellFormed == 0 || !onlyNamespace { throw fail(libraryError(context)) }
  }

  private func fail(_ error: XMLError) -> XMLError {
    failure = error
    return error
  }

  private var line: Int {
    preamble.skippedLines + Int(context?.pointee.input?.pointee.line ?? 1)
  }

  private var outOfMemory: XMLError { XMLError(.outOfMemory, line: 0, column: 0, message: "no memory for a parser") }

  private func refusal(_ kind: XMLError.Kind) -> XMLError {
    let message =
      switch kind {
      case .documentType: "a document type declaration is not allowed"
      case .tooDeep: "nested deeper than \(limits.depth)"
      case .tooManyElements: "more than \(limits.elements) elements"
      case .tooManyNamespaces: "more than \(limits.namespaces) namespaces around one element"
      default: "more than \(limits.attributes) attributes and namespaces on one element"
      }
    return XMLError(kind, line: line, column: 0, message: message)
  }

  private func libraryError(_ context: xmlParserCtxtPtr) -> XMLError {
    guard let first = state.pointee.firstError else {
      return XMLError(kind(of: context.pointee.errNo), line: line, column: 0, message: "not well-formed")
    }
    let kind = kind(of: first.code)
    // libxml2 says "Extra content at the end" of a document without an end, too.
    let message = kind == .incomplete ? "the document ends too early" : first.message
    return XMLError(kind, line: first.line + preamble.skippedLines, column: first.column, message: message)
  }

  private func kind(of code: Int32) -> XMLError.Kind {
    // libxml2's xmlParserErrors, whose C enumeration has another type than the field that holds them.
    switch code {
    // DOCUMENT_EMPTY: no tag where the first one should be.
    case 4: fedBytes == 0 ? .incomplete : .badCharacters(code: code)
    // DOCUMENT_END: the end too early, or something (often NULs) after it.
    case 5: state.pointee.depth == 0 && state.pointee.elements > 0 ? .badCharacters(code: code) : .incomplete
    // TAG_NOT_FINISHED, NO_MEMORY.
    case 77: .incomplete
    case 2: .outOfMemory
    // Character references and characters, entity references, NAME_REQUIRED (after a bare &), encoding.
    case 6...9, 22...27, 68, 81: .badCharacters(code: code)
    default: .notWellFormed(code: code)
    }
  }
}

// MARK: - The libxml2 context

extension XMLPushParser {
  /// Names that documents bring stay in the context's dictionary; beyond this many a new context is cheaper than the
  /// memory that a hostile sender could claim for ever.
  private static var dictionaryLimit: Int32 { 4_096 }

  private func resetContext() {
    if let context {
      if xmlDictSize(context.pointee.dict) <= Self.dictionaryLimit, xmlCtxtResetPush(context, nil, 0, nil, nil) == 0 {
        return
      }
      freeContext()
    }
    xmlInitParser()
    var handler = saxHandler
    guard let fresh = xmlCreatePushParserCtxt(&handler, UnsafeMutableRawPointer(state), nil, 0, nil) else {
      return
    }
    // The charset is decided before libxml2 sees a byte, so what the declaration says is ignored here.
    let options = XML_PARSE_NONET.rawValue | XML_PARSE_COMPACT.rawValue | XML_PARSE_IGNORE_ENC.rawValue
    xmlCtxtUseOptions(fresh, Int32(options))
    guard intern(in: fresh) else {
      xmlFreeParserCtxt(fresh)
      return
    }
    context = fresh
    state.pointee.context = fresh
  }

  private func intern(in context: xmlParserCtxtPtr) -> Bool {
    var pointers: [UnsafePointer<UInt8>] = []
    for name in vocabulary.names {
      guard let pointer = xmlDictLookup(context.pointee.dict, name, Int32(name.utf8.count)) else { return false }
      pointers.append(pointer)
    }
    state.pointee.adopt(InternedNames(pointers: pointers))
    return true
  }

  private func freeContext() {
    guard let context else { return }
    xmlFreeParserCtxt(context)
    self.context = nil
    state.pointee.context = nil
  }
}
