import XML

/// Makes an ``Envelope`` of what an ``EnvelopeSink`` has gathered.
struct MessageReader {
  let assembly: UnsafeMutablePointer<EnvelopeAssembly>
  let body: [EnvelopeNode]
  let text: TextBuffer
  let side: EnvelopeParser.Side
  let mostParameters: Int
  var notes: EnvelopeNotes

  init(sink: EnvelopeSink, side: EnvelopeParser.Side, limits: EnvelopeLimits) {
    assembly = sink.assembly
    body = sink.assembly.pointee.body
    text = sink.assembly.pointee.text
    self.side = side
    mostParameters = limits.parameters
    notes = sink.assembly.pointee.notes
  }

  /// Reads the message.
  mutating func read() throws(CWMPError) -> Envelope {
    guard !assembly.pointee.method.isEmpty else {
      let message = assembly.pointee.hasBody ? "the Body is empty" : "the Envelope has no Body"
      throw CWMPError(.emptyBody, message)
    }
    let namespace = readNamespace()
    let (id, header) = readHeader()
    do {
      try check(header)
      let message = try readMessage(header)
      return Envelope(namespace: namespace, id: id, header: header, message: message, notes: notes)
    } catch {
      var error = error
      error.namespace = namespace
      error.id = id
      throw error
    }
  }

  private mutating func readNamespace() -> CWMPNamespace {
    if let namespace = assembly.pointee.namespace { return namespace }
    if assembly.pointee.method != "Fault" { notes.insert(.foreignNamespace) }
    return assembly.pointee.declaredNamespace ?? .cwmp10
  }

  private mutating func readHeader() -> (id: [UInt8]?, header: EnvelopeHeader) {
    var id: [UInt8]?
    var header = EnvelopeHeader(notUnderstood: assembly.pointee.notUnderstood)
    for node in assembly.pointee.header {
      switch Vocabulary.word(Int(node.word)) {
      case .id:
        // An ID of white space only is none; one beyond reason is not echoed.
        let isEmpty = text.trimmed(node.text).isEmpty
        if !isEmpty, node.text.count <= 1_024 { id = Array(text.bytes(node.text)) }
      case .holdRequests: header.holdRequests = boolean(node)
      case .sessionTimeout, .sessionTimeoutLowercase:
        header.sessionTimeout = UInt32(exactly: number(node) ?? -1).map { min($0, Self.longestTimeout) }
      case .supportedCWMPVersions: header.supportedVersions = CWMPVersion.list(string(node))
      case .useCWMPVersion: header.useVersion = CWMPVersion(string(node))
      default: break
      }
    }
    if id == nil { notes.insert(.missingID) }
    return (id, header)
  }

  /// An hour: how long a CPE can have us keep its session though it is silent.
  private static let longestTimeout: UInt32 = 3_600

  private func check(_ header: EnvelopeHeader) throws(CWMPError) {
    guard !header.notUnderstood.isEmpty else { return }
    let names = header.notUnderstood.joined(separator: ", ")
    let fault = CWMPFault(code: 0, string: "header not understood: \(names)", side: .mustUnderstand)
    throw CWMPError(.notUnderstood, "unknown header block with mustUnderstand 1: \(names)", reply: .fault(fault))
  }

  private func checkVersions(_ header: EnvelopeHeader) throws(CWMPError) {
    guard !header.supportedVersions.isEmpty, CWMPVersion.common(with: header.supportedVersions) == nil else { return }
    let versions = header.supportedVersions.map(\.description).joined(separator: ", ")
    throw CWMPError(
      .versionIncompatible, "the CPE speaks CWMP \(versions) only", reply: .fault(.versionIncompatible))
  }

  private mutating func readMessage(_ header: EnvelopeHeader) throws(CWMPError) -> Envelope.Message {
    let method = assembly.pointee.method
    if method == "Fault" { return .fault(fault()) }
    if method.hasSuffix("Response") {
      let answered = String(method.dropLast("Response".utf8.count))
      return side == .acs ? .cpeResponse(try cpeResponse(to: answered)) : .acsResponse(acsResponse(to: answered))
    }
    guard side == .acs else {
      guard let known = RPCMethod(rawValue: method) else { return .unknownACSRequest(method: method) }
      return .acsRequest(acsRequest(known))
    }
    guard method == "Inform" else { return .cpeRequest(cpeRequest(method)) }
    try checkVersions(header)
    return .inform(try inform())
  }
}

// MARK: - The flat tree

extension MessageReader {
  /// The message element, at the root of the tree.
  var root: Int { 0 }

  /// The children of a node, in document order.
  func children(of parent: Int) -> Children { Children(body: body, parent: parent) }

  /// The last child with a name.
  func child(_ word: Word, of parent: Int) -> Int? {
    var found: Int?
    for index in children(of: parent) where body[index].word == word.rawValue { found = index }
    return found
  }

  /// The text of a node, trimmed.
  func string(_ node: EnvelopeNode) -> String {
    String(decoding: text.bytes(text.trimmed(node.text)), as: UTF8.self)
  }

  /// The trimmed text of a child; empty if it is missing.
  func string(_ word: Word, of parent: Int) -> String {
    guard let index = child(word, of: parent) else { return "" }
    return string(body[index])
  }

  /// The trimmed text of a child, cut at so many bytes, which is noted.
  mutating func string(_ word: Word, of parent: Int, most: Int) -> String {
    guard let index = child(word, of: parent) else { return "" }
    let range = text.trimmed(body[index].text)
    if range.count > most { notes.insert(.cutText) }
    return String(decoding: text.bytes(text.cut(range, most: most)), as: UTF8.self)
  }

  /// A decimal number of a node's text; nil if it is none.
  func number(_ node: EnvelopeNode) -> Int? { Int(string(node)) }

  /// The number in a child; a missing or bad one is noted.
  mutating func number(_ word: Word, of parent: Int) -> Int? {
    let value = child(word, of: parent).flatMap { number(body[$0]) }
    if value == nil { notes.insert(.missingArgument) }
    return value
  }

  /// A boolean: `1` and `true` are true, all else false (item 47).
  func boolean(_ node: EnvelopeNode) -> Bool { isTrue(string(node).utf8) }

  func boolean(_ word: Word, of parent: Int) -> Bool { child(word, of: parent).map { boolean(body[$0]) } ?? false }

  /// A dateTime; Unknown Time if it is missing.
  mutating func dateTime(_ word: Word, of parent: Int) -> DateTimeText {
    let text = string(word, of: parent)
    if text.isEmpty { notes.insert(.missingArgument) }
    return text.isEmpty ? .unknown : DateTimeText(text)
  }

  /// The texts of the first children of a child.
  func strings(_ word: Word, of parent: Int, most: Int = .max) -> [String] {
    guard let list = child(word, of: parent) else { return [] }
    return children(of: list).prefix(most).map { string(body[$0]) }
  }

  /// The table of a large list.
  var table: TextTable {
    guard !assembly.pointee.table.isEmpty else { return TextTable() }
    // Real copies, of the exact size: the assembly keeps its own for the next message.
    let entries = assembly.pointee.table.withUnsafeBufferPointer { Array($0) }
    return TextTable(bytes: text.copy, entries: entries)
  }
}

/// The indices of a node's children.
struct Children: Sequence, IteratorProtocol {
  private let body: [EnvelopeNode]
  private let depth: UInt8
  private var index: Int

  init(body: [EnvelopeNode], parent: Int) {
    self.body = body
    depth = body[parent].depth
    index = parent
  }

  mutating func next() -> Int? {
    index += 1
    while index < body.count, body[index].depth > depth {
      if body[index].depth == depth + 1 { return index }
      index += 1
    }
    index = body.count
    return nil
  }
}
