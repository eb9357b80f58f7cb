/// Header fields ready for the wire: names and values already joined, each line ended. Blocks that many responses share
/// can be made once and appended to.
public struct FieldBlock: Sendable, Hashable {
  /// `Name: value` CRLF, for each field.
  public private(set) var bytes: [UInt8] = []

  /// A block without fields.
  public init() {}

  /// A block of one field.
  public init(_ name: StaticString, _ value: String) { add(name, value) }

  /// Adds a field. Control characters in the value become spaces, so that no value can end its line (response
  /// splitting).
  public mutating func add(_ name: StaticString, _ value: String) {
    bytes.append(name)
    bytes.append(": ")
    for byte in value.utf8 { bytes.append(byte.isFieldValue ? byte : 0x20) }
    bytes.append("\r\n")
  }

  /// Adds a field by bytes, under the same rule.
  public mutating func add(_ name: StaticString, _ value: Span<UInt8>) {
    bytes.append(name)
    bytes.append(": ")
    for index in 0..<value.count { bytes.append(value[index].isFieldValue ? value[index] : 0x20) }
    bytes.append("\r\n")
  }

  /// Adds the fields of another block.
  public mutating func add(_ other: FieldBlock) { bytes.append(contentsOf: other.bytes) }

  /// The block with one more field.
  public func with(_ name: StaticString, _ value: String) -> FieldBlock {
    var block = self
    block.add(name, value)
    return block
  }
}
