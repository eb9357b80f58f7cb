/// What receives a document's events. Subclass it; the parser calls it on the thread that feeds.
///
/// A class, because libxml2 calls back with one pointer; a method call through it costs a nanosecond or two.
open class XMLSink {
  /// Whether ``stop()`` was called in this document.
  public private(set) final var isStopped = false

  /// For subclasses.
  public init() {}

  /// An element begins. Its depth is 1 for the root element.
  open func startElement(_ tag: borrowing XMLStartTag, depth: Int) {}

  /// Text or CDATA, references resolved, as UTF-8. One text may come in several calls.
  open func characters(_ text: Span<UInt8>) {}

  /// The element at `depth` ends.
  open func endElement(depth: Int) {}

  /// Ends the parse: no further event comes, and the parser throws ``XMLError/Kind/stopped``.
  public final func stop() { isStopped = true }

  final func resume() { isStopped = false }
}
