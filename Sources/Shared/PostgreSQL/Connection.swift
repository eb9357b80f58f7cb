import CLibPQ

/// One `PGconn` in pipeline mode and what it has prepared. Lives on its lane's loop.
final class Connection {
  private let handle: OpaquePointer
  /// The process that serves it, kept because libpq forgets it with the connection. A pooler's is none of the server's.
  let backend: Int32
  /// By the statements' numbers: each with the types it was called with.
  private var prepared: [[PreparedStatement]] = []
  private var scratch: [UInt8] = []

  /// What the server said next.
  enum Answer {
    /// Nothing yet.
    case none
    /// The end of one statement's answers.
    case end
    case success(QueryResult)
    case failure(PostgreSQLError)
    case passedOver
    case synced
  }

  /// Takes over `handle`, which is connected; nil if it cannot be put into pipeline mode.
  init?(_ handle: OpaquePointer) {
    self.handle = handle
    backend = PQbackendPID(handle)
    guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else { return nil }
    PQsetNoticeReceiver(handle, { _, _ in }, nil)
  }

  deinit { PQfinish(handle) }

  var descriptor: CInt { PQsocket(handle) }

  /// Libpq's last words about the connection, without line ends.
  var message: String { Connector.message(of: handle) }

  // MARK: - Sending

  /// Sends a batch and its Sync. False if the connection is of no use any more.
  func send(_ batch: Batch) -> Bool {
    if let script = batch.script {
      return PQexitPipelineMode(handle) == 1 && PQsendQuery(handle, script) == 1
    }
    for (index, job) in batch.jobs.enumerated() {
      for call in job.calls {
        let prepared = preparedStatement(for: call)
        if !prepared.isKnown {
          guard prepare(prepared) else { return false }
          batch.steps.append(.prepare(prepared, job: index))
        }
        guard execute(prepared, call.parameters) else { return false }
        batch.steps.append(.call(call.statement, job: index))
      }
    }
    return PQpipelineSync(handle) == 1
  }

  /// After a script's last answer.
  func resumePipeline() -> Bool { PQenterPipelineMode(handle) == 1 }

  /// Writes what libpq holds back: true if some is left, nil if the connection broke.
  func flush() -> Bool? {
    switch PQflush(handle) {
    case 0: false
    case 1: true
    default: nil
    }
  }

  private func preparedStatement(for call: Call) -> PreparedStatement {
    let number = call.statement.number
    while prepared.count <= number { prepared.append([]) }
    if let known = prepared[number].first(where: { $0.accepts(call.parameters) }) { return known }
    let variant = prepared[number].count
    let made = PreparedStatement(
      call.statement, name: variant == 0 ? "s\(number)" : "s\(number)_\(variant)", types: call.parameters.map(\.oid))
    prepared[number].append(made)
    return made
  }

  private func prepare(_ prepared: PreparedStatement) -> Bool {
    prepared.isKnown = true
    return PQsendPrepare(handle, prepared.name, prepared.statement.sql, Int32(prepared.types.count), prepared.types)
      == 1
  }

  private func execute(_ prepared: PreparedStatement, _ parameters: [PostgreSQLValue]) -> Bool {
    let count = parameters.count
    // One byte always, so that an empty value has an address, which NULL has not.
    scratch.removeAll(keepingCapacity: scratch.capacity <= 1 << 20)
    scratch.append(0)
    return withUnsafeTemporaryAllocation(of: Int32.self, capacity: count * 3 + 1) { numbers in
      for index in 0..<count {
        numbers[count + index] = 1
        numbers[2 * count + index] = Int32(scratch.count)
        parameters[index].encode(into: &scratch)
        numbers[index] = Int32(scratch.count) - numbers[2 * count + index]
      }
      return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count + 1) { values in
        scratch.withUnsafeBytes { bytes in
          for index in 0..<count {
            if case .null = parameters[index] {
              values[index] = nil
            } else {
              let start = bytes.baseAddress?.advanced(by: Int(numbers[2 * count + index]))
              values[index] = start?.assumingMemoryBound(to: CChar.self)
            }
          }
          return prepared.name.withUnsafeBufferPointer { name in
            PQsendQueryPrepared(
              handle, name.baseAddress, Int32(count), values.baseAddress, numbers.baseAddress,
              numbers.baseAddress?.advanced(by: count), 1) == 1
          }
        }
      }
    }
  }

  // MARK: - Receiving

  /// Reads what the socket has. False if the connection broke.
  func consume() -> Bool { PQconsumeInput(handle) == 1 }

  /// The next answer, without waiting. `statement` is named in rows and errors.
  func next(_ statement: String) -> Answer {
    if PQisBusy(handle) != 0 { return .none }
    guard let result = PQgetResult(handle) else { return .end }
    switch PQresultStatus(result) {
    case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
      return .success(QueryResult(result, statement: statement))
    case PGRES_PIPELINE_SYNC:
      PQclear(result)
      return .synced
    case PGRES_PIPELINE_ABORTED:
      PQclear(result)
      return .passedOver
    default:
      defer { PQclear(result) }
      return .failure(PostgreSQLError(result: result, statement: statement))
    }
  }

  /// The notifications that have come.
  func notifications() -> [(channel: String, payload: String)] {
    var notifications: [(String, String)] = []
    while let notification = PQnotifies(handle) {
      notifications.append((String(cString: notification.pointee.relname), String(cString: notification.pointee.extra)))
      PQfreemem(notification)
    }
    return notifications
  }

  /// What a request to cancel needs; the caller gives it to ``Connector/cancel(_:then:)``.
  func cancelHandle() -> OpaquePointer? { PQgetCancel(handle) }
}

extension PostgreSQLError {
  /// What the server said. Its detail is left out, because it quotes values, and so are quoted values at the message's
  /// end.
  init(result: OpaquePointer, statement: String) {
    // The codes are PG_DIAG_MESSAGE_PRIMARY and so on: character macros, which Swift does not see.
    func field(_ code: Unicode.Scalar) -> String {
      PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) } ?? ""
    }
    self.init(.server, field("M"), statement: statement)
    sqlState = field("C")
    table = field("t")
    constraint = field("n")
    if sqlState.hasPrefix("22") { message = PostgreSQLError.withoutValue(message) }
    // libpq makes results of its own when the connection breaks, or when it is told of something it cannot do.
    if sqlState.isEmpty {
      kind = .connectionLost
      isOutcomeUnknown = true
      message = Connector.oneLine(String(cString: PQresultErrorMessage(result)))
    }
  }

  /// `invalid input syntax for type inet: "x"` without the value.
  static func withoutValue(_ message: String) -> String {
    let bytes = message.utf8
    var previous: UInt8 = 0
    var index = bytes.startIndex
    while index != bytes.endIndex {
      if bytes[index] == UInt8(ascii: "\""), previous == UInt8(ascii: " ") { return String(message[..<index]) + "..." }
      previous = bytes[index]
      index = bytes.index(after: index)
    }
    return message
  }
}
