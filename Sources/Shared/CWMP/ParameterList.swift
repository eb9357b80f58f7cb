/// The parameters of an Inform or a GetParameterValuesResponse, in the order sent: one block of bytes and a table of
/// offsets, so that 10,000 parameters cost two allocations. Strings are made on access.
public struct ParameterList: Sendable, Hashable, RandomAccessCollection, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  var table = TextTable()

  /// An empty list.
  public init() {}

  /// A list of given values (for a CPE's messages).
  public init(_ values: some Sequence<ParameterValue>) {
    for value in values { append(value) }
  }

  /// A list of given values.
  public init(arrayLiteral elements: ParameterValue...) { self.init(elements) }

  /// Adds one parameter at the end; its name is cut at 65,535 bytes.
  public mutating func append(_ value: ParameterValue) {
    let name = value.name.utf8.count > Int(UInt16.max) ? String(value.name.prefix(256)) : value.name
    table.append(name, value.value, value.type)
  }

  /// How many there are, for logs.
  public var description: String { "\(count) parameters" }

  /// 0.
  public var startIndex: Int { 0 }
  /// The number of parameters.
  public var endIndex: Int { table.entries.count }

  /// The parameter as strings.
  public subscript(position: Int) -> ParameterValue {
    ParameterValue(name(at: position), value(at: position), type: type(at: position))
  }

  /// The name at an index, trimmed of white space.
  public func name(at index: Int) -> String { table.text(table.nameRange(index)) }

  /// The value at an index: a string byte for byte, other types trimmed (item 50).
  public func value(at index: Int) -> String { table.text(table.valueRange(index)) }

  /// The type at an index.
  public func type(at index: Int) -> ParameterType { table.entries[index].type.type }

  /// The value of the first parameter with a name; nil if there is none. A linear search without strings.
  public func value(of name: String) -> String? {
    firstIndex(of: name).map { value(at: $0) }
  }

  /// The index of the first parameter with a name.
  public func firstIndex(of name: String) -> Int? {
    var name = name
    return name.withUTF8 { wanted in
      table.bytes.withUnsafeBufferPointer { bytes in
        table.entries.firstIndex { entry in
          Int(entry.nameCount) == wanted.count
            && UnsafeBufferPointer(rebasing: bytes[Int(entry.nameStart)...].prefix(wanted.count))
              .elementsEqual(wanted)
        }
      }
    }
  }

  /// Calls a closure with each parameter's index, name and value as UTF-8 bytes, without making strings.
  public func forEachBytes(_ body: (_ index: Int, _ name: Span<UInt8>, _ value: Span<UInt8>) -> Void) {
    table.bytes.withUnsafeBufferPointer { bytes in
      for index in table.entries.indices {
        let name = UnsafeBufferPointer(rebasing: bytes[table.nameRange(index)])
        let value = UnsafeBufferPointer(rebasing: bytes[table.valueRange(index)])
        body(index, name.span, value.span)
      }
    }
  }

  /// The bytes of a name, in place.
  public func withNameBytes<R>(at index: Int, _ body: (Span<UInt8>) -> R) -> R {
    table.bytes[table.nameRange(index)].withUnsafeBufferPointer { body($0.span) }
  }

  /// The bytes of a value, in place.
  public func withValueBytes<R>(at index: Int, _ body: (Span<UInt8>) -> R) -> R {
    table.bytes[table.valueRange(index)].withUnsafeBufferPointer { body($0.span) }
  }

  /// The root object that the parameters name, `Device.` or `InternetGatewayDevice.` (item 99); nil if neither.
  public var root: String? {
    for root in ["InternetGatewayDevice.", "Device."] {
      let found = table.entries.indices.contains { index in
        table.bytes[table.nameRange(index)].starts(with: root.utf8)
      }
      if found { return root }
    }
    return nil
  }

  /// `name NUL type NUL value NUL` for each parameter, in pieces of some kilobytes.
  func digestInput(_ piece: (Span<UInt8>) -> Void) {
    var buffer: [UInt8] = []
    buffer.reserveCapacity(8 << 10)
    table.bytes.withUnsafeBufferPointer { bytes in
      for index in table.entries.indices {
        buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[table.nameRange(index)]))
        buffer.append(0)
        buffer.append(table.entries[index].type.rawValue + 1)
        buffer.append(0)
        buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[table.valueRange(index)]))
        buffer.append(0)
        if buffer.count >= 4 << 10 {
          piece(buffer.span)
          buffer.removeAll(keepingCapacity: true)
        }
      }
    }
    if !buffer.isEmpty { piece(buffer.span) }
  }
}
