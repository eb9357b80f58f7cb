// The format, version 1. Numbers are LEB128, texts a length and UTF-8, moments an index into the table of moments.
//
//   version  count of moments  base  moments as distances from the one before
//   count of elements, then each:
//     bytes shared with the name before   rest of the name   flags   more flags if bit 7 is set
//     value   type   moment   writable's moment   notification, access list, their moment   children's moment   sets
extension TwinBlock {
  static let version: UInt8 = 1

  struct Flags: OptionSet {
    let rawValue: UInt8
    static let text = Flags(rawValue: 1)
    static let secret = Flags(rawValue: 2)
    static let type = Flags(rawValue: 4)
    static let valueAt = Flags(rawValue: 8)
    static let writableKnown = Flags(rawValue: 16)
    static let writable = Flags(rawValue: 32)
    static let more = Flags(rawValue: 128)
  }

  struct MoreFlags: OptionSet {
    let rawValue: UInt8
    static let childrenAt = MoreFlags(rawValue: 1)
    static let unconfirmed = MoreFlags(rawValue: 2)
    static let writableAt = MoreFlags(rawValue: 4)
    static let attributesAt = MoreFlags(rawValue: 8)
    static let notification = MoreFlags(rawValue: 16)
    static let accessList = MoreFlags(rawValue: 32)
  }

  /// The block's bytes: compact, the same for the same elements.
  public func encode() -> [UInt8] {
    let moments = MomentTable(elements)
    var bytes = ByteWriter(capacity: 64 + elements.count * 40)
    bytes.byte(Self.version)
    moments.write(to: &bytes)
    bytes.number(UInt64(elements.count))
    var before = ""
    for element in elements {
      Self.write(name: element.name, after: before, to: &bytes)
      Self.write(element.entry, moments: moments, to: &bytes)
      before = element.name
    }
    return bytes.bytes
  }

  private static func write(name: String, after before: String, to bytes: inout ByteWriter) {
    var shared = 0
    var left = before.utf8.makeIterator()
    for byte in name.utf8 {
      guard left.next() == byte else { break }
      shared += 1
    }
    bytes.number(UInt64(shared))
    bytes.number(UInt64(name.utf8.count - shared))
    bytes.bytes.append(contentsOf: name.utf8.dropFirst(shared))
  }

  private static func write(_ entry: TwinEntry, moments: MomentTable, to bytes: inout ByteWriter) {
    var flags: Flags = []
    var more: MoreFlags = []
    switch entry.value {
    case .text: flags.insert(.text)
    case .secret: flags.insert(.secret)
    case nil: break
    }
    if entry.type != nil { flags.insert(.type) }
    if entry.valueAt != nil { flags.insert(.valueAt) }
    if entry.writable != nil { flags.insert(.writableKnown) }
    if entry.writable == true { flags.insert(.writable) }
    if entry.writableAt != nil { more.insert(.writableAt) }
    if entry.notification != nil { more.insert(.notification) }
    if entry.accessList != nil { more.insert(.accessList) }
    if entry.attributesAt != nil { more.insert(.attributesAt) }
    if entry.childrenAt != nil { more.insert(.childrenAt) }
    if entry.unconfirmed != nil { more.insert(.unconfirmed) }
    if !more.isEmpty { flags.insert(.more) }

    bytes.byte(flags.rawValue)
    if !more.isEmpty { bytes.byte(more.rawValue) }
    switch entry.value {
    case .text(let text): bytes.text(text)
    case .secret(let fingerprint): bytes.blob(fingerprint)
    case nil: break
    }
    if let type = entry.type { write(type, to: &bytes) }
    if let moment = entry.valueAt { bytes.number(moments.index(of: moment)) }
    if let moment = entry.writableAt { bytes.number(moments.index(of: moment)) }
    if let notification = entry.notification { bytes.byte(notification) }
    if let accessList = entry.accessList {
      bytes.number(UInt64(accessList.count))
      for who in accessList { bytes.text(who) }
    }
    if let moment = entry.attributesAt { bytes.number(moments.index(of: moment)) }
    if let moment = entry.childrenAt { bytes.number(moments.index(of: moment)) }
    if let unconfirmed = entry.unconfirmed {
      bytes.number(UInt64(unconfirmed.digest))
      bytes.byte(unconfirmed.count)
    }
  }

  private static func write(_ type: ParameterType, to bytes: inout ByteWriter) {
    if let code = typeCodes.firstIndex(of: type) { return bytes.byte(UInt8(code)) }
    bytes.byte(UInt8.max)
    if case .other(let text) = type { bytes.text(text) } else { bytes.text("") }
  }

  /// The types by their code: append only.
  static let typeCodes: [ParameterType] = [
    .string, .int, .unsignedInt, .long, .unsignedLong, .boolean, .dateTime, .base64, .hexBinary, .decimal,
  ]
}

/// The distinct moments of a block: most of its elements were learned in one of a few messages.
struct MomentTable {
  private let moments: [UnixMilliseconds]

  init(_ elements: [TwinBlock.Element]) {
    var found: Set<UnixMilliseconds> = []
    for element in elements {
      let entry = element.entry
      for moment in [entry.valueAt, entry.writableAt, entry.attributesAt, entry.childrenAt] {
        if let moment { found.insert(moment) }
      }
    }
    moments = found.sorted()
  }

  func write(to bytes: inout ByteWriter) {
    bytes.number(UInt64(moments.count))
    var before: UnixMilliseconds = 0
    for moment in moments {
      bytes.number(UInt64(bitPattern: moment &- before))
      before = moment
    }
  }

  /// The moment's place in the table, in which it stands for certain.
  func index(of moment: UnixMilliseconds) -> UInt64 {
    var low = 0
    var high = moments.count
    while low < high {
      let middle = (low + high) / 2
      if moments[middle] < moment { low = middle + 1 } else { high = middle }
    }
    return UInt64(low)
  }
}
