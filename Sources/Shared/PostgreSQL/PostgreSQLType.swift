/// The types that parameters and columns are sent as, in PostgreSQL's binary form. The raw value is the type's OID in
/// `pg_type`, which never changes for built-in types.
public enum PostgreSQLType: UInt32, Sendable {
  /// `boolean`
  case bool = 16
  /// `bytea`
  case bytes = 17
  /// `bigint`
  case int64 = 20
  /// `smallint`
  case int16 = 21
  /// `integer`
  case int32 = 23
  /// `text`
  case text = 25
  /// `double precision`
  case double = 701
  /// `timestamp with time zone`
  case timestamp = 1184
  /// `uuid`
  case uuid = 2950
  /// `jsonb`
  case json = 3802

  /// The OID of the type's arrays.
  var arrayOID: UInt32 {
    switch self {
    case .bool: 1000
    case .bytes: 1001
    case .int64: 1016
    case .int16: 1005
    case .int32: 1007
    case .text: 1009
    case .double: 1022
    case .timestamp: 1185
    case .uuid: 2951
    case .json: 3807
    }
  }
}

/// PostgreSQL counts microseconds from 2000-01-01, we from 1970-01-01.
enum Epoch {
  static let offset: Int64 = 946_684_800_000_000
}
