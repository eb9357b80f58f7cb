import XML

/// Writes down what a parser says: `<name`, text, `>`.
final class RecordingSink: XMLSink {
  static let vocabulary = XMLVocabulary(["a", "b", "n", "urn:one"])
  private(set) var events = ""
  var stopsAt: String?

  override func startElement(_ tag: borrowing XMLStartTag, depth: Int) {
    events += "<\(tag.localNameText)#\(tag.name)"
    if let namespace = tag.namespaceText { events += "{\(namespace)#\(tag.namespace)}" }
    for index in 0..<tag.attributeCount {
      let value = tag.withAttributeValue(index) { text in
        text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
      }
      events += " #\(tag.attributeName(index))=\(value)"
    }
    events += "@\(depth)|"
    if tag.localNameText == stopsAt { stop() }
  }

  override func characters(_ text: Span<UInt8>) {
    events += text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  override func endElement(depth: Int) { events += ">\(depth)" }

  func clear() { events = "" }
}

extension XMLPushParser {
  func feed(_ slice: ArraySlice<UInt8>) throws(XMLError) {
    let bytes = Array(slice)
    try feed(bytes.span)
  }
}
