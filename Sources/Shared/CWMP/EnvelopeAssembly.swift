import XML

/// What of a message has arrived: the Header's blocks, the Body's elements as a flat tree, and the entries of large
/// parameter lists in a table of their own, which take no nodes.
///
/// It knows the frame (Envelope, Header, Body) and the shape of parameter lists; ``MessageReader`` makes sense of the
/// rest after the end.
struct EnvelopeAssembly {
  /// The deepest element that is kept, whatever the limits say.
  static let deepest = 63
  /// Bytes of a message's name (the XSD says 64).
  static let longestName = 64

  // What was found.
  var text = TextBuffer()
  var header: [EnvelopeNode] = []
  var body: [EnvelopeNode] = []
  var table: [TextTable.Entry] = []
  /// The local name of the Body's element; empty while there is none.
  var method = ""
  var hasBody = false
  var namespace: CWMPNamespace?
  var declaredNamespace: CWMPNamespace?
  var notUnderstood: [String] = []
  var notes: EnvelopeNotes = []
  var refusal: CWMPError? {
    didSet { isRefused = refusal != nil }
  }
  private(set) var isRefused = false

  // Where the parse stands.
  private(set) var isCapturing = false
  private var section = Section.none
  private var textStart = 0
  /// Where the present text is cut: values of parameters, which have a bound of their own, are not.
  private var textEnd = Int.max
  private var type = ParameterType.Code.string
  private var openNodes = [Int32](repeating: -1, count: deepest + 1)
  private var listDepth = Int.max
  private var entry = Entry()
  private var limits = EnvelopeLimits()

  private enum Section { case none, header, body }

  private struct Entry {
    var start = 0
    var name = 0..<0
    var value = 0..<0
    var type = ParameterType.Code.string
    var isTooLong = false
  }

  mutating func reset(limits: EnvelopeLimits) {
    self.limits = limits
    self.limits.nameBytes = min(limits.nameBytes, Int(UInt16.max))
    text.reset()
    header.removeAll(keepingCapacity: true)
    body.removeAll(keepingCapacity: body.capacity < 4_096)
    table.removeAll(keepingCapacity: table.capacity < 16_384)
    method = ""
    hasBody = false
    namespace = nil
    declaredNamespace = nil
    notUnderstood = []
    notes = []
    refusal = nil
    isCapturing = false
    section = .none
    listDepth = .max
  }

  /// Returns false when the message is refused.
  @inline(__always)
  mutating func startElement(_ tag: borrowing XMLStartTag, depth: Int) -> Bool {
    // Text before a child element is white space between elements: forget it.
    if isCapturing { text.truncate(to: textStart) }
    textStart = text.count
    isCapturing = true
    textEnd = depth > listDepth ? .max : textStart + limits.textBytes
    if depth > listDepth {
      startInList(tag, depth: depth)
      return true
    }
    return startOutsideList(tag, depth: depth)
  }

  @inline(__always)
  mutating func endElement(depth: Int) {
    let isLeaf = isCapturing
    isCapturing = false
    if depth > listDepth {
      endInList(isLeaf: isLeaf, depth: depth)
    } else {
      endOutsideList(isLeaf: isLeaf, depth: depth)
    }
  }
}

// MARK: - Text

extension EnvelopeAssembly {
  /// Takes a piece of the present element's text.
  @inline(__always)
  mutating func append(_ piece: UnsafeBufferPointer<UInt8>) {
    guard text.count + piece.count > textEnd else { return text.append(piece) }
    appendCut(piece)
  }

  /// What goes on after a character that was cut is dropped with it.
  private mutating func appendCut(_ piece: UnsafeBufferPointer<UInt8>) {
    notes.insert(.cutText)
    var room = max(textEnd - text.count, 0)
    while room > 0, room < piece.count, piece[room] & 0xC0 == 0x80 { room -= 1 }
    text.append(UnsafeBufferPointer(rebasing: piece.prefix(room)))
    textEnd = text.count
  }
}

// MARK: - The frame and the flat tree

extension EnvelopeAssembly {
  private mutating func startOutsideList(_ tag: borrowing XMLStartTag, depth: Int) -> Bool {
    switch depth {
    case 1: return startEnvelope(tag)
    case 2:
      isCapturing = false
      let word = Vocabulary.word(tag.name)
      section = word == .header ? .header : word == .body ? .body : .none
      if section == .body { hasBody = true }
      noteDeclaredNamespaces(of: tag)
      return true
    case 3 where section == .header:
      return startHeaderBlock(tag)
    case 3 where section == .body:
      return startMessage(tag)
    default:
      guard section == .body else { return true }
      startNode(tag, depth: depth)
      return true
    }
  }

  private mutating func startEnvelope(_ tag: borrowing XMLStartTag) -> Bool {
    isCapturing = false
    guard Vocabulary.word(tag.name) == .envelope else {
      refusal = CWMPError(.notSOAP, "the root element is no Envelope", line: 1)
      return false
    }
    if Vocabulary.word(tag.namespace) != .soapEnvelope { notes.insert(.foreignEnvelope) }
    noteDeclaredNamespaces(of: tag)
    return true
  }

  private mutating func startHeaderBlock(_ tag: borrowing XMLStartTag) -> Bool {
    guard header.count < limits.headerBlocks else {
      refusal = CWMPError(.tooLarge, "more than \(limits.headerBlocks) header blocks")
      return false
    }
    header.append(
      EnvelopeNode(word: UInt8(tag.name), depth: 3, textStart: UInt32(textStart), textCount: 0, type: .string))
    switch Vocabulary.word(tag.name) {
    case .id, .holdRequests, .sessionTimeout, .sessionTimeoutLowercase, .supportedCWMPVersions, .useCWMPVersion: break
    case .noMoreRequests: notes.insert(.noMoreRequests)
    default:
      for index in 0..<tag.attributeCount where Vocabulary.word(tag.attributeName(index)) == .mustUnderstand {
        let isDemanded = tag.withAttributeValue(index) { $0.count == 1 && $0[0] == UInt8(ascii: "1") }
        if isDemanded { notUnderstood.append(String(tag.localNameText.prefix(Self.longestName))) }
      }
    }
    return true
  }

  private mutating func startMessage(_ tag: borrowing XMLStartTag) -> Bool {
    guard method.isEmpty else {
      refusal = CWMPError(.severalMessages, "more than one element in the Body")
      return false
    }
    method = tag.localNameText
    guard method.utf8.count <= Self.longestName else {
      refusal = CWMPError(.tooLarge, "the message's name is longer than \(Self.longestName) bytes")
      return false
    }
    noteDeclaredNamespaces(of: tag)
    namespace = cwmpNamespace(tag.namespace) ?? tag.namespaceText.flatMap { CWMPNamespace(uri: $0) }
    startNode(tag, depth: 3)
    return true
  }

  private mutating func startNode(_ tag: borrowing XMLStartTag, depth: Int) {
    if depth == 4, Vocabulary.word(tag.name) == .parameterList, hasTable { listDepth = depth }
    if namespace == nil, depth > 3 { namespace = cwmpNamespace(tag.namespace) }
    openNodes[depth] = Int32(body.count)
    body.append(
      EnvelopeNode(
        word: UInt8(tag.name), depth: UInt8(depth), textStart: UInt32(textStart), textCount: 0, type: .string))
  }

  private mutating func endOutsideList(isLeaf: Bool, depth: Int) {
    if isLeaf {
      let count = UInt32(text.count - textStart)
      if section == .header, depth == 3 {
        header[header.count - 1].textCount = count
      } else if section == .body, depth >= 3 {
        body[Int(openNodes[depth])].textCount = count
      }
    }
    if depth == 2 { section = .none }
    if depth == listDepth { listDepth = .max }
  }

  /// The messages whose ParameterList goes to the table: pairs of a name and one text.
  private var hasTable: Bool {
    switch method {
    case "Inform", "GetParameterValuesResponse", "GetParameterNamesResponse", "SetParameterValues": true
    default: false
    }
  }

  private mutating func noteDeclaredNamespaces(of tag: borrowing XMLStartTag) {
    for index in 0..<tag.declaredNamespaceCount where declaredNamespace == nil {
      let number = tag.declaredNamespaceNumber(index)
      declaredNamespace =
        number == 0 ? CWMPNamespace(uri: tag.declaredNamespace(index)) : cwmpNamespace(number)
    }
  }

  private func cwmpNamespace(_ number: Int) -> CWMPNamespace? {
    switch Vocabulary.word(number) {
    case .cwmp10: CWMPNamespace(minor: 0)
    case .cwmp11: CWMPNamespace(minor: 1)
    case .cwmp12: CWMPNamespace(minor: 2)
    case .cwmp13: CWMPNamespace(minor: 3)
    case .cwmp14: CWMPNamespace(minor: 4)
    default: nil
    }
  }
}

// MARK: - Parameter lists

extension EnvelopeAssembly {
  @inline(__always)
  private mutating func startInList(_ tag: borrowing XMLStartTag, depth: Int) {
    if depth == listDepth + 1 {
      entry = Entry(start: text.count)
      return
    }
    guard depth == listDepth + 2 else { return }
    openNodes[depth] = Int32(tag.name)
    if tag.name == Word.value.number { entry.type = valueType(tag) }
  }

  @inline(__always)
  private mutating func endInList(isLeaf: Bool, depth: Int) {
    if depth == listDepth + 2, isLeaf {
      endField(Int(openNodes[depth]))
    } else if depth == listDepth + 1 {
      endEntry()
    }
  }

  @inline(__always)
  private mutating func endField(_ number: Int) {
    let range = textStart..<text.count
    if number == Word.name.number {
      entry.name = text.trimmed(range)
      if entry.name.count > limits.nameBytes { entry.isTooLong = true }
    } else if number == Word.value.number {
      entry.value = entry.type == .string ? range : text.trimmed(range)
      if range.count > limits.valueBytes { entry.isTooLong = true }
    } else if number == Word.writable.number {
      entry.value = text.trimmed(range)
      entry.type = .boolean
    } else {
      text.truncate(to: textStart)
    }
  }

  @inline(__always)
  private mutating func endEntry() {
    guard !entry.name.isEmpty, !entry.isTooLong else {
      notes.insert(.droppedParameter)
      text.truncate(to: entry.start)
      return
    }
    table.append(
      TextTable.Entry(
        nameStart: UInt32(entry.name.lowerBound), valueStart: UInt32(entry.value.lowerBound),
        valueCount: UInt32(entry.value.count), nameCount: UInt16(entry.name.count), type: entry.type))
    if table.count > limits.parameters { refuseTooMany() }
  }

  private mutating func refuseTooMany() {
    guard refusal == nil else { return }
    refusal = CWMPError(.tooLarge, "more than \(limits.parameters) parameters", reply: .status(413))
  }

  /// The type that `xsi:type` names, whatever its prefix and namespace (1999 and 2001 occur).
  @inline(__always)
  private mutating func valueType(_ tag: borrowing XMLStartTag) -> ParameterType.Code {
    for index in 0..<tag.attributeCount where tag.attributeName(index) == Word.type.number {
      if let type = tag.withAttributeValue(index, { ParameterType.Code(qualifiedName: $0) }) { return type }
    }
    notes.insert(.unknownType)
    return .string
  }
}
