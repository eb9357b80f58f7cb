public import XML

/// Reads SOAP envelopes as their bytes arrive; reusable, one per event loop or task (not Sendable).
///
/// ```swift
/// parser.begin(charset: XMLCharset(label: "utf-8"))
/// try parser.feed(chunk)                       // as often as bytes come
/// let envelope = try parser.finish(body: body) // the whole body, for the filtered pass
/// ```
///
/// The first pass is strict. When it fails on characters (control characters, bytes outside the charset, a bare `&`),
/// ``finish(body:)`` reads the body once more through ``XMLFilter`` and notes ``EnvelopeNotes/filtered`` (item 54).
public final class EnvelopeParser {
  /// Who reads.
  public enum Side: Sendable, Hashable {
    /// An ACS, which reads what CPEs send.
    case acs
    /// A CPE, which reads what an ACS sends (the simulator).
    case cpe
  }

  /// The bounds; they hold from the next ``begin(charset:)``.
  public var limits: EnvelopeLimits

  private let side: Side
  private let sink: EnvelopeSink
  private let parser: XMLPushParser
  private var charset: XMLCharset?
  private var recoverable: XMLError?

  /// Makes a parser for one side.
  public init(side: Side = .acs, limits: EnvelopeLimits = EnvelopeLimits()) {
    self.side = side
    self.limits = limits
    sink = EnvelopeSink()
    parser = XMLPushParser(vocabulary: Vocabulary.xml, sink: sink, limits: limits.xml)
  }

  /// Begins a message and forgets the one before.
  ///
  /// - Parameter charset: From Content-Type; nil leaves it to the XML declaration (item 22).
  public func begin(charset: XMLCharset? = nil) {
    self.charset = charset
    recoverable = nil
    parser.limits = limits.xml
    parser.limits.depth = min(limits.xml.depth, EnvelopeAssembly.deepest)
    sink.reset(limits: limits)
    parser.begin(charset: charset)
  }

  /// Takes the next bytes.
  ///
  /// - Throws: at once what no second pass can mend (not XML, a document type, too large); stop reading then.
  public func feed(_ chunk: Span<UInt8>) throws(CWMPError) {
    guard recoverable == nil else { return }
    do {
      try parser.feed(chunk)
    } catch {
      try note(error)
    }
  }

  /// Ends the message.
  ///
  /// - Parameter body: The same bytes in one piece; read only if the strict pass failed on characters.
  public func finish(body: Span<UInt8>) throws(CWMPError) -> Envelope {
    if recoverable == nil {
      do {
        try parser.finish()
      } catch {
        try note(error)
      }
    }
    guard recoverable == nil else { return try finishFiltered(body) }
    return try envelope(notes: parser.replacedBytes ? .filtered : [])
  }

  /// Reads one whole message.
  public func parse(_ body: Span<UInt8>, charset: XMLCharset? = nil) throws(CWMPError) -> Envelope {
    begin(charset: charset)
    try feed(body)
    return try finish(body: body)
  }

  /// Reads one whole message.
  public func parse(_ body: [UInt8], charset: XMLCharset? = nil) throws(CWMPError) -> Envelope {
    try parse(body.span, charset: charset)
  }

  private func finishFiltered(_ body: Span<UInt8>) throws(CWMPError) -> Envelope {
    let clean = XMLFilter.filtered(body, charset: charset, limit: limits.xml.bytes)
    sink.reset(limits: limits)
    do {
      try parser.parse(clean.span, charset: .utf8)
    } catch {
      throw refusal(error)
    }
    return try envelope(notes: .filtered)
  }

  private func envelope(notes: EnvelopeNotes) throws(CWMPError) -> Envelope {
    var reader = MessageReader(sink: sink, side: side, limits: limits)
    var envelope = try reader.read()
    envelope.notes.formUnion(notes)
    return envelope
  }

  private func note(_ error: XMLError) throws(CWMPError) {
    guard case .badCharacters = error.kind else { throw refusal(error) }
    recoverable = error
  }

  private func refusal(_ error: XMLError) -> CWMPError {
    if let error = sink.refusal { return error }
    let kind: CWMPError.Kind
    let reply: CWMPError.Reply
    switch error.kind {
    case .tooManyBytes: (kind, reply) = (.tooLarge, .status(413))
    case .tooDeep, .tooManyElements, .tooManyAttributes, .tooManyNamespaces, .tooManyNames, .constructTooLong:
      (kind, reply) = (.tooLarge, .status(400))
    case .outOfMemory: (kind, reply) = (.outOfMemory, .status(503))
    case .notWellFormed, .badCharacters, .documentType, .incomplete, .stopped: (kind, reply) = (.notXML, .status(400))
    }
    return CWMPError(kind, error.message, line: error.line, column: error.column, reply: reply)
  }
}
