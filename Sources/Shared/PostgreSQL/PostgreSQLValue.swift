public import Cryptography

/// A parameter of a statement. Sent in binary under its own type, so that the server casts where SQL would
/// (an `int32` into a `bigint` column) and refuses what does not fit.
public enum PostgreSQLValue: Sendable {
  /// NULL of whatever type the statement asks for.
  case null
  /// `boolean`
  case bool(Bool)
  /// `smallint`
  case int16(Int16)
  /// `integer`
  case int32(Int32)
  /// `bigint`
  case int64(Int64)
  /// `double precision`
  case double(Double)
  /// `text`; without NUL characters.
  case text(String)
  /// `text`, as UTF-8.
  case utf8([UInt8])
  /// `bytea`
  case bytes([UInt8])
  /// `uuid`
  case uuid(UUID128)
  /// `timestamptz`: microseconds since 1970, UTC.
  case timestamp(Int64)
  /// `jsonb`: a document in UTF-8.
  case json([UInt8])
  /// An array of any of these, also with NULLs.
  case array(PostgreSQLArray)

  /// `value`, or NULL.
  public static func int64(orNull value: Int64?) -> PostgreSQLValue { value.map { .int64($0) } ?? .null }
  /// `value`, or NULL.
  public static func text(orNull value: String?) -> PostgreSQLValue { value.map { .text($0) } ?? .null }
  /// `value`, or NULL.
  public static func bytes(orNull value: [UInt8]?) -> PostgreSQLValue { value.map { .bytes($0) } ?? .null }
  /// `value`, or NULL.
  public static func uuid(orNull value: UUID128?) -> PostgreSQLValue { value.map { .uuid($0) } ?? .null }
  /// `value` in microseconds since 1970, or NULL.
  public static func timestamp(orNull value: Int64?) -> PostgreSQLValue { value.map { .timestamp($0) } ?? .null }

  /// An array of `bigint`.
  public static func int64s(_ values: some Collection<Int64>) -> PostgreSQLValue {
    array(.int64, values) { $0.append($1) }
  }

  /// An array of `integer`.
  public static func int32s(_ values: some Collection<Int32>) -> PostgreSQLValue {
    array(.int32, values) { $0.append($1) }
  }

  /// An array of `smallint`.
  public static func int16s(_ values: some Collection<Int16>) -> PostgreSQLValue {
    array(.int16, values) { $0.append($1) }
  }

  /// An array of `text`.
  public static func texts(_ values: some Collection<String>) -> PostgreSQLValue {
    array(.text, values) { $0.append($1) }
  }

  /// An array of `text`, of bytes that are UTF-8.
  public static func texts(_ values: some Collection<[UInt8]>) -> PostgreSQLValue {
    array(.text, values) { $0.append(text: $1) }
  }

  /// An array of `bytea`.
  public static func bytesArray(_ values: some Collection<[UInt8]>) -> PostgreSQLValue {
    array(.bytes, values) { $0.append(bytes: $1) }
  }

  /// An array of `uuid`.
  public static func uuids(_ values: some Collection<UUID128>) -> PostgreSQLValue {
    array(.uuid, values) { $0.append($1) }
  }

  private static func array<Values: Collection>(
    _ type: PostgreSQLType, _ values: Values, _ append: (inout PostgreSQLArray, Values.Element) -> Void
  ) -> PostgreSQLValue {
    var array = PostgreSQLArray(type, minimumCapacity: values.count)
    for value in values { append(&array, value) }
    return .array(array)
  }
}

extension PostgreSQLValue {
  /// The OID of the type it is sent as; 0 leaves it to the statement.
  var oid: UInt32 {
    switch self {
    case .null: 0
    case .bool: PostgreSQLType.bool.rawValue
    case .int16: PostgreSQLType.int16.rawValue
    case .int32: PostgreSQLType.int32.rawValue
    case .int64: PostgreSQLType.int64.rawValue
    case .double: PostgreSQLType.double.rawValue
    case .text, .utf8: PostgreSQLType.text.rawValue
    case .bytes: PostgreSQLType.bytes.rawValue
    case .uuid: PostgreSQLType.uuid.rawValue
    case .timestamp: PostgreSQLType.timestamp.rawValue
    case .json: PostgreSQLType.json.rawValue
    case .array(let array): array.type.arrayOID
    }
  }

  /// About how many bytes it takes on the wire.
  var byteCount: Int {
    switch self {
    case .null: 4
    case .text(let value): value.utf8.count + 4
    case .utf8(let value), .bytes(let value), .json(let value): value.count + 5
    case .array(let array): array.elements.count + 24
    default: 20
    }
  }

  /// Appends its binary form; nothing for NULL.
  func encode(into output: inout [UInt8]) {
    switch self {
    case .null: break
    case .bool(let value): output.append(value ? 1 : 0)
    case .int16(let value): output.appendInt(value)
    case .int32(let value): output.appendInt(value)
    case .int64(let value): output.appendInt(value)
    case .double(let value): output.appendInt(value.bitPattern)
    case .text(let value): output.append(contentsOf: value.utf8)
    case .utf8(let value), .bytes(let value): output.append(contentsOf: value)
    case .uuid(let value):
      output.appendInt(value.high)
      output.appendInt(value.low)
    case .timestamp(let value): output.appendInt(value &- Epoch.offset)
    case .json(let value):
      output.append(1)  // The version of jsonb's binary form.
      output.append(contentsOf: value)
    case .array(let array): array.encode(into: &output)
    }
  }
}
