/// The entries of a GetParameterNamesResponse, kept as ``ParameterList`` keeps values.
public struct ParameterInfoList: Sendable, Hashable, RandomAccessCollection, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  var table = TextTable()

  /// An empty list.
  public init() {}

  /// A list of given entries.
  public init(_ entries: some Sequence<ParameterInfo>) {
    for entry in entries { table.append(entry.name, entry.writable ? "1" : "0", .boolean) }
  }

  /// A list of given entries.
  public init(arrayLiteral elements: ParameterInfo...) { self.init(elements) }

  /// How many there are, for logs.
  public var description: String { "\(count) names" }

  /// 0.
  public var startIndex: Int { 0 }
  /// The number of entries.
  public var endIndex: Int { table.entries.count }

  /// The entry at an index.
  public subscript(position: Int) -> ParameterInfo {
    ParameterInfo(name(at: position), writable: isWritable(at: position))
  }

  /// The name at an index, trimmed of white space.
  public func name(at index: Int) -> String { table.text(table.nameRange(index)) }

  /// The Writable flag at an index: `1` or `true` (item 47).
  public func isWritable(at index: Int) -> Bool { isTrue(table.bytes[table.valueRange(index)]) }
}

/// Whether a boolean's text is `1` or `true`, in any case (item 47).
func isTrue(_ text: some Collection<UInt8>) -> Bool {
  guard text.count != 1 else { return text.first == UInt8(ascii: "1") }
  return text.count == 4 && zip(text, "true".utf8).allSatisfy { $0 | 0x20 == $1 }
}
