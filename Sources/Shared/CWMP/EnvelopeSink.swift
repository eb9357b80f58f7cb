import XML

/// Hands the parser's events to an ``EnvelopeAssembly``.
///
/// The assembly lies behind a pointer and not in a property, because every access to a class's property is checked for
/// exclusivity while the program runs, which costs more here than the work itself.
final class EnvelopeSink: XMLSink {
  let assembly: UnsafeMutablePointer<EnvelopeAssembly>

  override init() {
    assembly = .allocate(capacity: 1)
    assembly.initialize(to: EnvelopeAssembly())
    super.init()
  }

  deinit {
    assembly.pointee.text.deallocate()
    assembly.deinitialize(count: 1)
    assembly.deallocate()
  }

  func reset(limits: EnvelopeLimits) { assembly.pointee.reset(limits: limits) }

  /// What this sink stopped for.
  var refusal: CWMPError? { assembly.pointee.refusal }

  override func startElement(_ tag: borrowing XMLStartTag, depth: Int) {
    if !assembly.pointee.startElement(tag, depth: depth) { stop() }
  }

  override func characters(_ text: Span<UInt8>) {
    if assembly.pointee.isCapturing {
      text.withUnsafeBufferPointer { assembly.pointee.append($0) }
    }
  }

  override func endElement(depth: Int) {
    assembly.pointee.endElement(depth: depth)
    if assembly.pointee.isRefused { stop() }
  }
}
