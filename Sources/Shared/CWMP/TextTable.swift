/// Pairs of texts in one block of bytes: how ``ParameterList`` and ``ParameterInfoList`` keep thousands of entries in
/// two allocations.
struct TextTable: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    /// Where the name begins; the value follows it, not necessarily at once.
    var nameStart: UInt32
    var valueStart: UInt32
    var valueCount: UInt32
    var nameCount: UInt16
    var type: ParameterType.Code
  }

  var bytes: [UInt8] = []
  var entries: [Entry] = []

  mutating func append(_ name: String, _ value: String, _ type: ParameterType) {
    let start = bytes.count
    bytes.append(contentsOf: name.utf8)
    let valueStart = bytes.count
    bytes.append(contentsOf: value.utf8)
    entries.append(
      Entry(
        nameStart: UInt32(start), valueStart: UInt32(valueStart), valueCount: UInt32(bytes.count - valueStart),
        nameCount: UInt16(truncatingIfNeeded: valueStart - start), type: type.code))
  }

  func nameRange(_ index: Int) -> Range<Int> {
    let entry = entries[index]
    return Int(entry.nameStart)..<Int(entry.nameStart) + Int(entry.nameCount)
  }

  func valueRange(_ index: Int) -> Range<Int> {
    let entry = entries[index]
    return Int(entry.valueStart)..<Int(entry.valueStart) + Int(entry.valueCount)
  }

  func text(_ range: Range<Int>) -> String {
    bytes.withUnsafeBufferPointer { String(decoding: UnsafeBufferPointer(rebasing: $0[range]), as: UTF8.self) }
  }

  /// Equal content, wherever the bytes lie.
  static func == (left: TextTable, right: TextTable) -> Bool {
    guard left.entries.count == right.entries.count else { return false }
    return left.entries.indices.allSatisfy { index in
      left.entries[index].type == right.entries[index].type
        && left.bytes[left.nameRange(index)] == right.bytes[right.nameRange(index)]
        && left.bytes[left.valueRange(index)] == right.bytes[right.valueRange(index)]
    }
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(entries.count)
    for index in entries.indices {
      bytes[nameRange(index)].withUnsafeBytes { hasher.combine(bytes: $0) }
      bytes[valueRange(index)].withUnsafeBytes { hasher.combine(bytes: $0) }
    }
  }
}
