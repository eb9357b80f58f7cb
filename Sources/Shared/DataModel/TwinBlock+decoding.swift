extension TwinBlock {
  /// Reads a stored block.
  ///
  /// - Throws: ``TwinBlockError`` for bytes that ``encode()`` did not write: never more memory than the bytes explain.
  public init(_ stored: StoredBlock) throws(TwinBlockError) {
    var reader = ByteReader(stored.bytes)
    key = stored.key
    do throws(TwinBlockError.Reason) {
      elements = try Self.elements(&reader)
    } catch {
      throw TwinBlockError(reason: error, key: stored.key, offset: reader.offset)
    }
  }

  private static func elements(_ reader: inout ByteReader) throws(TwinBlockError.Reason) -> [Element] {
    let version = try reader.byte()
    guard version == Self.version else { throw .unknownVersion(version) }
    let moments = try moments(&reader)
    let count = try reader.count()
    var elements: [Element] = []
    elements.reserveCapacity(count)
    var name: [UInt8] = []
    for _ in 0..<count {
      let text = try self.name(&reader, after: &name)
      if let before = elements.last?.name, !(before < text) { throw .unordered }
      elements.append(Element(name: text, entry: try entry(&reader, moments)))
    }
    guard reader.remaining == 0 else { throw .trailingBytes }
    return elements
  }

  private static func moments(_ reader: inout ByteReader) throws(TwinBlockError.Reason) -> [UnixMilliseconds] {
    let count = try reader.count()
    var moments: [UnixMilliseconds] = []
    moments.reserveCapacity(count)
    var last: UnixMilliseconds = 0
    for _ in 0..<count {
      last &+= UnixMilliseconds(bitPattern: try reader.number())
      moments.append(last)
    }
    return moments
  }

  private static func name(
    _ reader: inout ByteReader, after before: inout [UInt8]
  ) throws(TwinBlockError.Reason) -> String {
    let shared = try reader.number()
    guard shared <= UInt64(before.count) else { throw .malformed }
    let rest = try reader.slice(try reader.count())
    before.removeSubrange(Int(shared)...)
    before.append(contentsOf: rest)
    guard let text = String(validating: before, as: UTF8.self) else { throw .notUTF8 }
    return text
  }

  private static func entry(
    _ reader: inout ByteReader, _ moments: [UnixMilliseconds]
  ) throws(TwinBlockError.Reason) -> TwinEntry {
    func moment(_ reader: inout ByteReader) throws(TwinBlockError.Reason) -> UnixMilliseconds {
      let index = try reader.number()
      guard index < UInt64(moments.count) else { throw .malformed }
      return moments[Int(index)]
    }
    let flags = Flags(rawValue: try reader.byte())
    let more = MoreFlags(rawValue: flags.contains(.more) ? try reader.byte() : 0)
    guard !flags.isSuperset(of: [.text, .secret]), flags.contains(.writableKnown) || !flags.contains(.writable),
      flags.rawValue & 64 == 0, more.rawValue < 64
    else { throw .malformed }
    var entry = TwinEntry()
    if flags.contains(.text) { entry.value = .text(try reader.text()) }
    if flags.contains(.secret) { entry.value = .secret(fingerprint: Array(try reader.slice(try reader.count()))) }
    if flags.contains(.type) { entry.type = try type(&reader) }
    if flags.contains(.valueAt) { entry.valueAt = try moment(&reader) }
    if flags.contains(.writableKnown) { entry.writable = flags.contains(.writable) }
    if more.contains(.writableAt) { entry.writableAt = try moment(&reader) }
    if more.contains(.notification) { entry.notification = try reader.byte() }
    if more.contains(.accessList) {
      entry.accessList = []
      for _ in 0..<(try reader.count()) { entry.accessList?.append(try reader.text()) }
    }
    if more.contains(.attributesAt) { entry.attributesAt = try moment(&reader) }
    if more.contains(.childrenAt) { entry.childrenAt = try moment(&reader) }
    if more.contains(.unconfirmed) {
      let digest = try reader.number()
      guard digest <= UInt64(UInt32.max) else { throw .malformed }
      entry.unconfirmed = .init(digest: UInt32(digest), count: try reader.byte())
    }
    return entry
  }

  private static func type(_ reader: inout ByteReader) throws(TwinBlockError.Reason) -> ParameterType {
    let code = try reader.byte()
    if code == UInt8.max { return .other(try reader.text()) }
    guard Int(code) < typeCodes.count else { throw .malformed }
    return typeCodes[Int(code)]
  }
}
