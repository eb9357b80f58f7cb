public import Cryptography

/// A one-dimensional array parameter, encoded as it is filled: the column of a set-wise statement
/// (`INSERT ... SELECT FROM unnest($1::uuid[], $2::bytea[])`). One run of bytes, no value per element.
public struct PostgreSQLArray: Sendable {
  /// The elements' type; each `append` must fit it.
  public let type: PostgreSQLType
  /// How many elements it has.
  public private(set) var count = 0
  private(set) var hasNulls = false
  /// The elements, each behind its length.
  private(set) var elements: [UInt8] = []

  /// An empty array of `type`.
  public init(_ type: PostgreSQLType, minimumCapacity: Int = 0) {
    self.type = type
    if minimumCapacity > 0 { elements.reserveCapacity(minimumCapacity * 12) }
  }

  /// Adds NULL.
  public mutating func appendNull() {
    count += 1
    hasNulls = true
    elements.appendInt(Int32(-1))
  }

  /// Adds to an array of ``PostgreSQLType/bool``.
  public mutating func append(_ value: Bool) {
    begin(.bool, 1)
    elements.append(value ? 1 : 0)
  }

  /// Adds to an array of ``PostgreSQLType/int16``.
  public mutating func append(_ value: Int16) {
    begin(.int16, 2)
    elements.appendInt(value)
  }

  /// Adds to an array of ``PostgreSQLType/int32``.
  public mutating func append(_ value: Int32) {
    begin(.int32, 4)
    elements.appendInt(value)
  }

  /// Adds to an array of ``PostgreSQLType/int64``.
  public mutating func append(_ value: Int64) {
    begin(.int64, 8)
    elements.appendInt(value)
  }

  /// Adds to an array of ``PostgreSQLType/double``.
  public mutating func append(_ value: Double) {
    begin(.double, 8)
    elements.appendInt(value.bitPattern)
  }

  /// Adds to an array of ``PostgreSQLType/timestamp``: microseconds since 1970, UTC.
  public mutating func append(timestamp value: Int64) {
    begin(.timestamp, 8)
    elements.appendInt(value &- Epoch.offset)
  }

  /// Adds to an array of ``PostgreSQLType/uuid``.
  public mutating func append(_ value: UUID128) {
    begin(.uuid, 16)
    elements.appendInt(value.high)
    elements.appendInt(value.low)
  }

  /// Adds to an array of ``PostgreSQLType/text``. A NUL byte, which PostgreSQL cannot store, makes the server refuse
  /// it.
  public mutating func append(_ value: String) {
    var value = value
    value.withUTF8 { append(bytes: $0, as: .text) }
  }

  /// Adds UTF-8 to an array of ``PostgreSQLType/text``.
  public mutating func append(text value: some Collection<UInt8>) { append(bytes: value, as: .text) }

  /// Adds to an array of ``PostgreSQLType/bytes``.
  public mutating func append(bytes value: some Collection<UInt8>) { append(bytes: value, as: .bytes) }

  /// Adds a document's UTF-8 to an array of ``PostgreSQLType/json``.
  public mutating func append(json value: some Collection<UInt8>) {
    begin(.json, value.count + 1)
    elements.append(1)
    elements.append(contentsOf: value)
  }

  private mutating func append(bytes value: some Collection<UInt8>, as type: PostgreSQLType) {
    begin(type, value.count)
    elements.append(contentsOf: value)
  }

  private mutating func begin(_ type: PostgreSQLType, _ length: Int) {
    precondition(type == self.type, "an array of \(self.type) cannot take \(type)")
    count += 1
    elements.appendInt(Int32(length))
  }

  /// Appends the array's binary form: dimensions, whether there are NULLs, the elements' type, length, lower bound,
  /// elements.
  func encode(into output: inout [UInt8]) {
    output.appendInt(Int32(count == 0 ? 0 : 1))
    output.appendInt(Int32(hasNulls ? 1 : 0))
    output.appendInt(type.rawValue)
    guard count > 0 else { return }
    output.appendInt(Int32(count))
    output.appendInt(Int32(1))
    output.append(contentsOf: elements)
  }
}

extension [UInt8] {
  /// Appends `value` in network order.
  @inline(__always)
  mutating func appendInt(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }
}
