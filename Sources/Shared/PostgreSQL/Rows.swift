import CLibPQ
import Glibc

/// What a statement returned: rows in binary form, read in place.
public struct Rows: Sendable, RandomAccessCollection {
  let result: QueryResult

  /// 0.
  public var startIndex: Int { 0 }
  /// How many rows there are.
  public var endIndex: Int { result.rowCount }
  /// The row at `position`.
  public subscript(position: Int) -> Row {
    precondition(position >= 0 && position < result.rowCount, "row \(position) of \(result.rowCount)")
    return Row(result: result, number: position)
  }

  /// How many rows an INSERT, UPDATE or DELETE changed; else how many were returned.
  public var affected: Int { result.affected }
}

/// Owns a `PGresult`.
///
/// `@unchecked Sendable`: libpq never changes a result that it has handed out (libpq documentation, "Behavior in
/// Threaded Programs": PGresult objects are normally read-only after creation), all we call on it reads, and only
/// `deinit`, when nobody else has it, frees it.
final class QueryResult: @unchecked Sendable {
  let pointer: OpaquePointer?
  let statement: String
  let rowCount: Int
  let columnCount: Int

  /// Takes over `pointer`; nil stands for no rows.
  init(_ pointer: OpaquePointer?, statement: String) {
    self.pointer = pointer
    self.statement = statement
    rowCount = Int(PQntuples(pointer))
    columnCount = Int(PQnfields(pointer))
  }

  deinit { PQclear(pointer) }

  var affected: Int {
    guard let digits = PQcmdTuples(pointer) else { return 0 }
    return Int(atol(digits))
  }

  /// Whether this answers a COMMIT that became a ROLLBACK.
  var isRollback: Bool { PQcmdStatus(pointer).map { strcmp($0, "ROLLBACK") == 0 } ?? false }

  /// The type's OID of a column.
  func type(of column: Int) -> UInt32 { PQftype(pointer, Int32(column)) }

  /// The field's bytes, or nil for NULL; valid as long as this object is.
  func field(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
    if PQgetisnull(pointer, Int32(row), Int32(column)) != 0 { return nil }
    let length = Int(PQgetlength(pointer, Int32(row), Int32(column)))
    return UnsafeRawBufferPointer(start: PQgetvalue(pointer, Int32(row), Int32(column)), count: length)
  }
}
