/// One element of a message as the sink keeps it: in document order, with its depth, so that children follow their
/// parent at once.
struct EnvelopeNode {
  /// The name's number (``Vocabulary``).
  var word: UInt8
  /// From 1, the Envelope.
  var depth: UInt8
  /// The text of a leaf, in the message's ``TextBuffer``; empty for an element with children.
  var textStart: UInt32
  var textCount: UInt32
  /// `xsi:type`, for a leaf that has one.
  var type: ParameterType.Code

  var text: Range<Int> { Int(textStart)..<Int(textStart) + Int(textCount) }
}
