import Cryptography
import DataModel
import Fleet
import Policy
import PostgreSQL

// The domain's rows, read.

extension Row {
  /// A `timestamptz` in microseconds since 1970, `infinity` as the largest number.
  func timestampOrInfinity(_ column: Int) throws(PostgreSQLError) -> Int64 {
    // PostgreSQL's infinity is the largest 64-bit number; moving the epoch wraps it round.
    let value = try timestamp(column)
    return value < -(1 << 60) ? .max : value
  }
}

extension DeviceRow {
  /// Reads a row of ``BatchStatements/devices``.
  init(_ row: Row) throws(PostgreSQLError) {
    self.init(
      id: try row.uuid(0), identity: try row.text(1), manufacturer: try row.text(2), oui: try row.text(3),
      productClass: try row.text(4), serialNumber: try row.text(5), at: try row.timestamp(15))
    root = try row.text(6)
    softwareVersion = try row.text(7)
    hardwareVersion = try row.text(8)
    provisioningCode = try row.text(9)
    connectionRequestURL = try row.text(10)
    peer = try row.text(11)
    tags = try row.texts(12)
    dialect = try row.int32(13)
    methods = try row.texts(14)
    seenAt = try row.timestamp(16)
  }
}

extension SessionRow {
  /// Reads a row of ``BatchStatements/sessions``.
  init(_ row: Row) throws(PostgreSQLError) {
    self.init(
      id: try row.uuid(1), namespaceMinor: UInt8(clamping: try row.int16(2)), events: try row.texts(3),
      authentication: UInt8(clamping: try row.int16(4)), lastPostAt: try row.timestamp(13),
      lostAfter: try row.int32(14))
    announced = try row.int16(5)
    rounds = try row.int16(6)
    rpcs = try row.int16(7)
    if let task = try row.optionalUUID(8) {
      outstanding = Outstanding(task: task, attempt: try row.int32(9), post: try row.optionalBytes(10) ?? [])
      outstanding?.rebound = try row.bool(11)
    }
    deadPost = try row.optionalBytes(12) ?? []
    policyState = try row.optionalBytes(15) ?? []
    restore(unnamedAnswers: try row.optionalBytes(16) ?? [])
  }
}

extension CredentialRow {
  /// Reads a row of ``BatchStatements/credentials``.
  init(_ row: Row) throws(PostgreSQLError) {
    self.init(username: try row.text(1))
    secret = try row.optionalBytes(2)
    pendingSecret = try row.optionalBytes(3)
    requestUsername = try row.text(4)
    requestSecret = try row.optionalBytes(5)
    pendingRequestSecret = try row.optionalBytes(6)
    readmitUntil = try row.optionalTimestamp(7)
    heldAt = try row.optionalTimestamp(8)
  }
}

extension PolicyStanding {
  /// Reads a row of ``BatchStatements/policies``.
  init(_ row: Row) throws(PostgreSQLError) {
    let message = try row.text(5)
    let cause: Cause = try row.optionalInt32(4).map { .fault(code: Int($0), text: message) } ?? .notKept
    let path = try row.text(6)
    self.init(
      policy: try row.text(1), version: Int(try row.int32(2)), failures: Int(try row.int32(3)),
      retryAt: try row.timestamp(7) / 1000, cause: cause, path: ParameterPath(reported: path))
  }
}

extension RPCTask {
  /// Reads a row of ``BatchStatements/tasks``; nil for one whose request only a newer version knows.
  init?(_ row: Row) throws(PostgreSQLError) {
    let (method, arguments) = (try row.text(2), try row.json(3))
    guard let request = try? TaskRequest(method: method, arguments: arguments) else { return nil }
    self.init(
      id: try row.uuid(0), device: try row.uuid(1), request: request, once: try row.bool(5),
      origin: Origin(rawValue: try row.int16(8)) ?? .api, createdAt: try row.timestamp(24),
      deadline: try row.timestamp(19))
    state = State(rawValue: try row.int16(4)) ?? .queued
    retriesOnDoubt = try row.bool(6)
    priority = try row.int16(7)
    originName = try row.text(9)
    idempotencyKey = try row.optionalText(10)
    dependsOn = try row.optionalUUID(11)
    attempt = try row.int32(12)
    lost = try row.int32(13)
    maximumAttempts = try row.int32(14)
    session = try row.optionalUUID(15)
    post = try row.optionalBytes(16)
    dispatchedAt = try row.optionalTimestamp(17)
    notBefore = try row.timestamp(18)
    evidence = try row.optionalBytes(20).flatMap { Evidence(bytes: $0) }
    result = try row.optionalJSON(21)
    fault = try row.optionalJSON(22)
    version = try row.int32(23)
  }
}
