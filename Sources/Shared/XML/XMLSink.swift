/// What receives a document's events. Subclass it; the parser calls it on the thread that feeds.
///
/// A class, because libxml2 calls back with one pointer; a method call through it costs a nanosecond or two.
open class XMLSink {
  /// Whether ``stop()`` was called in this document.
  public final var isStopped: Bool { stopFlag.pointee }

  /// Behind a pointer, because it is read after every event and a property's accesses are checked for exclusivity.
  private let stopFlag: UnsafeMutablePointer<Bool>

  /// For subclasses.
  public init() {
    stopFlag = .allocate(capacity: 1)
    stopFlag.initialize(to: false)
  }

  deinit { stopFlag.deallocate() }

  /// An element begins. Its depth is 1 for the root element.
  open func startElement(_ tag: borrowing XMLStartTag, depth: Int) {}

  /// Text or CDATA, references resolved, as UTF-8. One text may come in several calls.
  open func characters(_ text: Span<UInt8>) {}

  /// The element at `depth` ends.
  open func endElement(depth: Int) {}

  /// Ends the parse: no further event comes, and the parser throws ``XMLError/Kind/stopped``.
  public final func stop() { stopFlag.pointee = true }

  final func resume() { stopFlag.pointee = false }
}
