/// The headers of a record: an ordered list of short names with byte values, kept as one flat run of bytes.
///
/// Layout, per header: length of the name (1 byte), the name, length of the value (2 bytes, big-endian), the value.
/// The flat form is what the PostgreSQL log stores; the Kafka log turns each into a native header and back.
public struct RecordHeaders: Sendable, Hashable {
  /// The flat form.
  public private(set) var bytes: [UInt8]

  /// No headers.
  public init() { bytes = [] }

  /// Takes the flat form as it was stored. A malformed tail is ignored by ``each(_:)``.
  public init(bytes: [UInt8]) { self.bytes = bytes }

  /// Adds a header. A name over 255 bytes or a value over 65,535 is cut there.
  public mutating func append(_ name: StaticString, _ value: some Collection<UInt8>) {
    name.withUTF8Buffer { append(nameBytes: $0, value) }
  }

  /// Adds a header whose value is text.
  public mutating func append(_ name: StaticString, _ value: String) {
    var value = value
    value.withUTF8 { append(name, $0) }
  }

  /// Adds a header whose name is only known at run time.
  public mutating func append(nameBytes: some Collection<UInt8>, _ value: some Collection<UInt8>) {
    let name = nameBytes.prefix(255)
    let kept = value.prefix(Int(UInt16.max))
    bytes.append(UInt8(name.count))
    bytes.append(contentsOf: name)
    bytes.append(UInt8(truncatingIfNeeded: kept.count >> 8))
    bytes.append(UInt8(truncatingIfNeeded: kept.count))
    bytes.append(contentsOf: kept)
  }

  /// Calls `body` with each header's name and value, in order.
  public func each(_ body: (_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) -> Void) {
    var index = 0
    while index < bytes.count {
      let nameEnd = index + 1 + Int(bytes[index])
      guard nameEnd + 2 <= bytes.count else { return }
      let length = Int(bytes[nameEnd]) << 8 | Int(bytes[nameEnd + 1])
      let valueEnd = nameEnd + 2 + length
      guard valueEnd <= bytes.count else { return }
      body(bytes[index + 1..<nameEnd], bytes[nameEnd + 2..<valueEnd])
      index = valueEnd
    }
  }

  /// The first value under `name`, or nil.
  public func first(_ name: StaticString) -> ArraySlice<UInt8>? {
    var found: ArraySlice<UInt8>?
    name.withUTF8Buffer { wanted in
      each { name, value in
        if found == nil, name.elementsEqual(wanted) { found = value }
      }
    }
    return found
  }
}
