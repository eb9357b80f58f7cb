import CLibYAML

/// libyaml's events, made a tree. One per input, used once.
final class YAMLParser {
  private let file: String
  private let limits: YAMLLimits
  private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
  private let event = UnsafeMutablePointer<yaml_event_t>.allocate(capacity: 1)
  private var holdsEvent = false
  private var nodes = 0

  init(file: String, limits: YAMLLimits) {
    self.file = file
    self.limits = limits
    parser.initialize(to: yaml_parser_t())
    event.initialize(to: yaml_event_t())
    yaml_parser_initialize(parser)
  }

  deinit {
    releaseEvent()
    yaml_parser_delete(parser)
    parser.deallocate()
    event.deallocate()
  }

  func parse(_ bytes: [UInt8]) throws(YAMLError) -> [YAMLNode] {
    try bytes.withUnsafeBufferPointer { (buffer) throws(YAMLError) in
      yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
      yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
      return try documents()
    }
  }

  private func documents() throws(YAMLError) -> [YAMLNode] {
    var roots: [YAMLNode] = []
    while true {
      switch try next() {
      case YAML_STREAM_END_EVENT: return roots
      case YAML_DOCUMENT_START_EVENT:
        try next()
        roots.append(try node(depth: 0))
      default: continue
      }
    }
  }

  /// The node that begins with the present event.
  private func node(depth: Int) throws(YAMLError) -> YAMLNode {
    nodes += 1
    if nodes > limits.nodes { throw error("more than \(limits.nodes) values") }
    if depth > limits.depth { throw error("nested deeper than \(limits.depth) levels") }
    let mark = place(event.pointee.start_mark)
    switch event.pointee.type {
    case YAML_SCALAR_EVENT: return try scalar(mark)
    case YAML_SEQUENCE_START_EVENT: return try sequence(mark, depth: depth)
    case YAML_MAPPING_START_EVENT: return try mapping(mark, depth: depth)
    case YAML_ALIAS_EVENT: throw error("aliases (*name) are not supported: write the value out")
    default: throw error("a value is expected")
    }
  }

  private func scalar(_ mark: YAMLMark) throws(YAMLError) -> YAMLNode {
    let scalar = event.pointee.data.scalar
    try refuse(anchor: scalar.anchor, tag: scalar.tag)
    let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
    return YAMLNode(.scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), mark: mark)
  }

  private func sequence(_ mark: YAMLMark, depth: Int) throws(YAMLError) -> YAMLNode {
    let start = event.pointee.data.sequence_start
    try refuse(anchor: start.anchor, tag: start.tag)
    var items: [YAMLNode] = []
    while try next() != YAML_SEQUENCE_END_EVENT { items.append(try node(depth: depth + 1)) }
    return YAMLNode(.sequence(items), mark: mark)
  }

  private func mapping(_ mark: YAMLMark, depth: Int) throws(YAMLError) -> YAMLNode {
    let start = event.pointee.data.mapping_start
    try refuse(anchor: start.anchor, tag: start.tag)
    var entries: [YAMLEntry] = []
    var lines: [String: Int] = [:]
    while try next() != YAML_MAPPING_END_EVENT {
      let key = try node(depth: depth + 1)
      guard let name = key.text else { throw error("a key must be a single value", at: key.mark) }
      if let line = lines.updateValue(key.mark.line, forKey: name) {
        throw error("the key '\(name)' stands already on line \(line)", at: key.mark)
      }
      try next()
      entries.append(YAMLEntry(key: name, mark: key.mark, value: try node(depth: depth + 1)))
    }
    return YAMLNode(.mapping(entries), mark: mark)
  }

  private func refuse(anchor: UnsafePointer<UInt8>?, tag: UnsafePointer<UInt8>?) throws(YAMLError) {
    if anchor != nil { throw error("anchors (&name) are not supported: write the value out") }
    // libyaml reports "!" for a quoted scalar's non-specific tag only where it was written.
    if tag != nil { throw error("tags (!name) are not supported") }
  }

  @discardableResult
  private func next() throws(YAMLError) -> yaml_event_type_t {
    releaseEvent()
    guard yaml_parser_parse(parser, event) == 1 else { throw syntaxError() }
    holdsEvent = true
    return event.pointee.type
  }

  private func releaseEvent() {
    if holdsEvent { yaml_event_delete(event) }
    holdsEvent = false
  }

  private func place(_ mark: yaml_mark_t) -> YAMLMark {
    YAMLMark(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  private func error(_ reason: String, at mark: YAMLMark? = nil) -> YAMLError {
    YAMLError(file: file, mark: mark ?? place(event.pointee.start_mark), reason: reason)
  }

  private func syntaxError() -> YAMLError {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read"
    if parser.pointee.error == YAML_READER_ERROR {
      let reason = "\(problem) at byte \(parser.pointee.problem_offset)"
      return YAMLError(file: file, mark: place(parser.pointee.mark), reason: reason)
    }
    let context = parser.pointee.context.map {
      " \(String(cString: $0)) that begins on line \(parser.pointee.context_mark.line + 1)"
    }
    return error(problem + (context ?? ""), at: place(parser.pointee.problem_mark))
  }
}
