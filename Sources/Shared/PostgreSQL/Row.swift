public import Cryptography

/// A row. Columns are read by position; each reader names what it takes the column for and throws
/// ``PostgreSQLError/Kind/decode`` where that is wrong, or where the column is NULL (the `optional` readers give nil).
public struct Row: Sendable {
  let result: QueryResult
  let number: Int

  /// Whether the column is NULL.
  public func isNull(_ column: Int) -> Bool {
    column < 0 || column >= result.columnCount || result.field(number, column) == nil
  }

  /// Calls `body` with the column's bytes as they came, without a copy (`bytea`, `text`).
  public func withBytes<Value>(_ column: Int, _ body: (Span<UInt8>) throws(PostgreSQLError) -> Value)
    throws(PostgreSQLError) -> Value
  {
    try read(column) { field throws(PostgreSQLError) in
      let bytes = UnsafeBufferPointer(start: field.baseAddress?.assumingMemoryBound(to: UInt8.self), count: field.count)
      return try body(Span(_unsafeElements: bytes))
    }
  }

  /// A `boolean`.
  public func bool(_ column: Int) throws(PostgreSQLError) -> Bool { try integer(column, 1...1, "boolean") != 0 }

  /// A `smallint`.
  public func int16(_ column: Int) throws(PostgreSQLError) -> Int16 {
    Int16(truncatingIfNeeded: try integer(column, 2...2, "smallint"))
  }

  /// An `integer` or `smallint`.
  public func int32(_ column: Int) throws(PostgreSQLError) -> Int32 {
    Int32(truncatingIfNeeded: try integer(column, 2...4, "integer"))
  }

  /// A `bigint`, `integer` or `smallint`.
  public func int64(_ column: Int) throws(PostgreSQLError) -> Int64 { try integer(column, 2...8, "bigint") }

  /// A `double precision`.
  public func double(_ column: Int) throws(PostgreSQLError) -> Double {
    Double(bitPattern: UInt64(bitPattern: try integer(column, 8...8, "double precision")))
  }

  /// A `timestamptz` in microseconds since 1970, UTC.
  public func timestamp(_ column: Int) throws(PostgreSQLError) -> Int64 {
    try integer(column, 8...8, "timestamptz") &+ Epoch.offset
  }

  /// A `uuid`.
  public func uuid(_ column: Int) throws(PostgreSQLError) -> UUID128 {
    try read(column) { field throws(PostgreSQLError) in
      guard field.count == 16 else { throw wrong(column, "uuid") }
      return UUID128(
        high: UInt64(bigEndian: field.loadUnaligned(as: UInt64.self)),
        low: UInt64(bigEndian: field.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
  }

  /// A `text`.
  public func text(_ column: Int) throws(PostgreSQLError) -> String {
    try read(column) { String(decoding: $0, as: UTF8.self) }
  }

  /// A `bytea`, or a `text` as UTF-8.
  public func bytes(_ column: Int) throws(PostgreSQLError) -> [UInt8] { try read(column) { Array($0) } }

  /// A `jsonb` or `json` as UTF-8.
  public func json(_ column: Int) throws(PostgreSQLError) -> [UInt8] {
    try read(column) { field throws(PostgreSQLError) in
      guard result.type(of: column) == PostgreSQLType.json.rawValue else { return Array(field) }
      guard field.first == 1 else { throw wrong(column, "jsonb") }
      return Array(field.dropFirst())
    }
  }

  // MARK: - Columns that may be NULL

  /// A `boolean`, or nil for NULL.
  public func optionalBool(_ column: Int) throws(PostgreSQLError) -> Bool? { isNull(column) ? nil : try bool(column) }
  /// An `integer`, or nil for NULL.
  public func optionalInt32(_ column: Int) throws(PostgreSQLError) -> Int32? {
    isNull(column) ? nil : try int32(column)
  }
  /// A `bigint`, or nil for NULL.
  public func optionalInt64(_ column: Int) throws(PostgreSQLError) -> Int64? {
    isNull(column) ? nil : try int64(column)
  }
  /// A `timestamptz` in microseconds since 1970, or nil for NULL.
  public func optionalTimestamp(_ column: Int) throws(PostgreSQLError) -> Int64? {
    isNull(column) ? nil : try timestamp(column)
  }
  /// A `uuid`, or nil for NULL.
  public func optionalUUID(_ column: Int) throws(PostgreSQLError) -> UUID128? {
    isNull(column) ? nil : try uuid(column)
  }
  /// A `text`, or nil for NULL.
  public func optionalText(_ column: Int) throws(PostgreSQLError) -> String? { isNull(column) ? nil : try text(column) }
  /// A `bytea`, or nil for NULL.
  public func optionalBytes(_ column: Int) throws(PostgreSQLError) -> [UInt8]? {
    isNull(column) ? nil : try bytes(column)
  }
  /// A `jsonb` as UTF-8, or nil for NULL.
  public func optionalJSON(_ column: Int) throws(PostgreSQLError) -> [UInt8]? {
    isNull(column) ? nil : try json(column)
  }

  // MARK: - Arrays

  /// An array of `text` without NULLs.
  public func texts(_ column: Int) throws(PostgreSQLError) -> [String] {
    try elements(column) { String(decoding: $0, as: UTF8.self) }
  }

  /// An array of `bytea` without NULLs.
  public func bytesArray(_ column: Int) throws(PostgreSQLError) -> [[UInt8]] { try elements(column) { Array($0) } }

  /// An array of `bigint`, `integer` or `smallint` without NULLs.
  public func int64s(_ column: Int) throws(PostgreSQLError) -> [Int64] { try elements(column) { Row.integer($0) } }

  /// An array of `uuid` without NULLs.
  public func uuids(_ column: Int) throws(PostgreSQLError) -> [UUID128] {
    try elements(column) { UUID128(bytes: Array($0)) ?? .zero }
  }

  // MARK: - Inside

  /// Calls `body` with the column's bytes, and keeps the result that owns them alive until it has returned.
  private func read<Value>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws(PostgreSQLError) -> Value)
    throws(PostgreSQLError) -> Value
  {
    guard column >= 0, column < result.columnCount else {
      throw wrong(column, "there (there are \(result.columnCount))")
    }
    defer { withExtendedLifetime(result) {} }
    guard let field = result.field(number, column) else { throw wrong(column, "without NULL") }
    return try body(field)
  }

  private func integer(_ column: Int, _ widths: ClosedRange<Int>, _ type: String) throws(PostgreSQLError) -> Int64 {
    try read(column) { field throws(PostgreSQLError) in
      guard widths.contains(field.count), field.count.nonzeroBitCount == 1 else { throw wrong(column, type) }
      return Row.integer(field)
    }
  }

  private static func integer(_ field: UnsafeRawBufferPointer) -> Int64 {
    switch field.count {
    case 8: Int64(bigEndian: field.loadUnaligned(as: Int64.self))
    case 4: Int64(Int32(bigEndian: field.loadUnaligned(as: Int32.self)))
    case 2: Int64(Int16(bigEndian: field.loadUnaligned(as: Int16.self)))
    default: Int64(field.first ?? 0)
    }
  }

  /// The elements of a one-dimensional array, each read by `element`.
  private func elements<Element>(_ column: Int, _ element: (UnsafeRawBufferPointer) -> Element)
    throws(PostgreSQLError) -> [Element]
  {
    try read(column) { field throws(PostgreSQLError) in
      guard let elements = BinaryArray.elements(of: field, element) else {
        throw wrong(column, "an array of one dimension without NULLs")
      }
      return elements
    }
  }

  private func wrong(_ column: Int, _ expected: String) -> PostgreSQLError {
    PostgreSQLError(.decode, "column \(column) of the result is not \(expected)", statement: result.statement)
  }
}

/// Reads what ``PostgreSQLArray`` writes.
enum BinaryArray {
  /// The elements of the array in `field`, each through `read`; nil if it is malformed, has NULLs or more than one
  /// dimension.
  static func elements<Element>(
    of field: UnsafeRawBufferPointer, _ read: (UnsafeRawBufferPointer) -> Element
  ) -> [Element]? {
    func int(_ offset: Int) -> Int {
      Int(Int32(bigEndian: field.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
    }
    guard field.count >= 12 else { return nil }
    if int(0) == 0 { return [] }
    guard int(0) == 1, field.count >= 20, int(12) >= 0 else { return nil }
    var elements: [Element] = []
    var offset = 20
    for _ in 0..<int(12) {
      guard offset + 4 <= field.count else { return nil }
      let length = int(offset)
      guard length >= 0, offset + 4 + length <= field.count else { return nil }
      elements.append(read(UnsafeRawBufferPointer(rebasing: field[offset + 4..<offset + 4 + length])))
      offset += 4 + length
    }
    return elements
  }
}
