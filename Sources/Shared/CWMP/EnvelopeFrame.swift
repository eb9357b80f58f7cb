import XML

/// One envelope in the making: its frame, and the pieces that several messages share.
struct EnvelopeFrame {
  var xml: XMLWriter
  let namespace: CWMPNamespace
  let dialect: Dialect

  init(_ writer: EnvelopeWriter, capacity: Int) {
    self.init(namespace: writer.namespace, dialect: writer.dialect, capacity: capacity)
  }

  init(namespace: CWMPNamespace, dialect: Dialect, capacity: Int) {
    self.namespace = namespace
    self.dialect = dialect
    xml = XMLWriter(capacity: capacity)
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
    xml.raw(
      """
      <soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" \
      xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" \
      xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-
      """)
    xml.number(namespace.minor)
    xml.raw("\">")
  }

  /// The Header, if there is something for it, and the Body's start.
  mutating func header(
    id: [UInt8]?, holdRequests: Bool? = nil, useVersion: CWMPVersion? = nil, extra: (inout XMLWriter) -> Void = { _ in }
  ) {
    xml.raw("<soap-env:Header>")
    if let id {
      xml.raw("<cwmp:ID soap-env:mustUnderstand=\"1\">")
      xml.text(String(decoding: id, as: UTF8.self))
      xml.raw("</cwmp:ID>")
    }
    if let holdRequests {
      xml.raw("<cwmp:HoldRequests soap-env:mustUnderstand=\"1\">")
      boolean(holdRequests)
      xml.raw("</cwmp:HoldRequests>")
    }
    if let useVersion {
      xml.raw("<cwmp:UseCWMPVersion soap-env:mustUnderstand=\"1\">\(useVersion)</cwmp:UseCWMPVersion>" as String)
    }
    extra(&xml)
    xml.raw("</soap-env:Header><soap-env:Body>")
  }

  mutating func finish() -> [UInt8] {
    xml.raw("</soap-env:Body></soap-env:Envelope>\n")
    return xml.bytes
  }

  mutating func boolean(_ value: Bool) {
    if dialect.contains(.wordBooleans) {
      xml.raw(value ? "true" : "false")
    } else {
      xml.raw(value ? "1" : "0")
    }
  }

  mutating func element(_ name: StaticString, _ value: Bool) {
    xml.open(name)
    boolean(value)
    xml.close(name)
  }

  mutating func element(_ name: StaticString, _ time: DateTimeText) { xml.element(name, time.text) }

  /// `<name soap-enc:arrayType="type[count]">` (item 44).
  mutating func openArray(_ name: StaticString, _ type: StaticString, count: Int) {
    xml.raw("<")
    xml.raw(name)
    xml.raw(" soap-enc:arrayType=\"")
    xml.raw(type)
    xml.raw("[")
    xml.number(count)
    xml.raw("]\">")
  }

  /// A SOAP array of strings.
  mutating func strings(_ name: StaticString, _ values: [String], item: StaticString = "string") {
    openArray(name, "xsd:string", count: values.count)
    for value in values { xml.element(item, value) }
    xml.close(name)
  }

  /// One ParameterValueStruct. A boolean and a dateTime go out in the dialect's form.
  mutating func parameter(_ value: ParameterValue) {
    xml.raw("<ParameterValueStruct>")
    xml.element("Name", value.name)
    xml.raw("<Value xsi:type=\"")
    xml.raw(value.type.qualifiedName)
    xml.raw("\">")
    switch value.type {
    case .boolean where isTrue(value.value.utf8): boolean(true)
    case .boolean where value.value == "0" || value.value.lowercased() == "false": boolean(false)
    case .dateTime: xml.text(inDialect(value.value))
    default: xml.text(value.value)
    }
    xml.raw("</Value></ParameterValueStruct>")
  }

  /// A point in time as the dialect wants it: UTC with `Z`, with milliseconds or without a fraction (item 48).
  private func inDialect(_ text: String) -> String {
    guard let microseconds = DateTimeText(text).microseconds else { return text }
    return DateTimeText(microseconds: microseconds, milliseconds: dialect.contains(.dateTimeMilliseconds)).text
  }
}
