import Cryptography
import DataModel
import Fleet
import Policy
import PostgreSQL

/// The columns of a set-wise statement, filled row by row.
struct Columns {
  private var arrays: [PostgreSQLArray]

  /// Empty columns of these types.
  init(_ types: [PostgreSQLType]) { arrays = types.map { PostgreSQLArray($0) } }

  /// One column.
  subscript(_ index: Int) -> PostgreSQLArray {
    get { arrays[index] }
    _modify { yield &arrays[index] }
  }

  /// The statement over the columns, and further parameters behind them.
  func call(_ statement: Statement, _ further: PostgreSQLValue...) -> Call {
    Call(statement, arrays.map { .array($0) } + further)
  }

  mutating func append(_ id: UUID128, _ contact: ContactRow) {
    self[0].append(id)
    self[1].append(timestamp: contact.lastInform)
    self[2].append(contact.session)
    self[3].append(orNull: contact.digest.isEmpty ? nil : contact.digest)
    self[4].append(contact.eventsHash)
    self[5].append(contact.posted)
    self[6].append(contact.policyEpoch)
    self[7].append(timestampOrInfinity: contact.nextDue)
    self[8].append(contact.touched)
  }

  mutating func append(_ device: DeviceRow) {
    self[0].append(device.id)
    let texts = [
      device.identity, device.manufacturer, device.oui, device.productClass, device.serialNumber, device.root,
      device.softwareVersion, device.hardwareVersion, device.provisioningCode, device.connectionRequestURL, device.peer,
    ]
    for (index, text) in texts.enumerated() { self[index + 1].append(text: text.storable) }
    self[12].append(device.dialect)
    self[13].append(timestamp: device.createdAt)
    self[14].append(timestamp: device.seenAt)
  }

  mutating func append(_ id: UUID128, _ session: SessionRow) {
    self[0].append(id)
    self[1].append(session.id)
    self[2].append(Int16(session.namespaceMinor))
    self[3].append(text: session.events.joined(separator: "\n").storable)
    self[4].append(Int16(session.authentication))
    self[5].append(session.announced)
    self[6].append(session.rounds)
    self[7].append(session.rpcs)
    self[8].append(orNull: session.outstanding?.task)
    self[9].append(session.outstanding?.attempt ?? 0)
    self[10].append(orNull: session.outstanding?.post)
    self[11].append(session.outstanding?.rebound ?? false)
    self[12].append(orNull: session.deadPost.isEmpty ? nil : session.deadPost)
    self[13].append(timestamp: session.lastPostAt)
    self[14].append(session.lostAfter)
    self[15].append(orNull: session.policyState.isEmpty ? nil : session.policyState)
    self[16].append(orNull: session.unnamedAnswers.isEmpty ? nil : session.unnamedAnswers)
  }

  mutating func append(_ id: UUID128, _ credential: CredentialRow) {
    self[0].append(id)
    self[1].append(credential.username)
    self[2].append(orNull: credential.secret)
    self[3].append(orNull: credential.pendingSecret)
    self[4].append(credential.requestUsername)
    self[5].append(orNull: credential.requestSecret)
    self[6].append(orNull: credential.pendingRequestSecret)
    self[7].append(timestampOrNull: credential.readmitUntil)
    self[8].append(timestampOrNull: credential.heldAt)
  }

  mutating func append(_ id: UUID128, _ standing: PolicyStanding) {
    self[0].append(id)
    self[1].append(standing.policy)
    self[2].append(Int32(clamping: standing.version))
    self[3].append(Int32(clamping: standing.failures))
    switch standing.cause {
    case .fault(let code, let text):
      self[4].append(Int32(clamping: code))
      self[5].append(text: text.storable)
    case .notKept:
      self[4].appendNull()
      self[5].append("")
    }
    self[6].append(standing.path?.text ?? "")
    self[7].append(timestamp: standing.retryAt * 1000)
  }

  /// A live task.
  mutating func append(_ task: RPCTask) {
    self[0].append(task.id)
    self[1].append(task.device)
    self[2].append(task.request.method)
    self[3].append(text: task.request.arguments)
    self[4].append(task.state.rawValue)
    self[5].append(task.once)
    self[6].append(task.retriesOnDoubt)
    self[7].append(task.priority)
    self[8].append(task.origin.rawValue)
    self[9].append(task.originName)
    self[10].append(task.attempt)
    self[11].append(task.lost)
    self[12].append(task.maximumAttempts)
    self[13].append(orNull: task.session)
    self[14].append(orNull: task.post)
    self[15].append(timestampOrNull: task.dispatchedAt)
    self[16].append(timestamp: task.notBefore)
    self[17].append(timestamp: task.deadline)
    self[18].append(orNull: task.evidence?.bytes)
    self[19].append(textOrNull: task.result)
    self[20].append(textOrNull: task.fault)
    self[21].append(task.version)
    self[22].append(timestamp: task.createdAt)
  }

  /// A finished task.
  mutating func append(_ task: RPCTask, _ state: RPCTask.State) {
    self[0].append(task.id)
    self[1].append(task.device)
    self[2].append(task.request.method)
    self[3].append(text: task.request.arguments)
    self[4].append(state.rawValue)
    self[5].append(task.once)
    self[6].append(task.priority)
    self[7].append(task.origin.rawValue)
    self[8].append(task.originName)
    self[9].append(textOrNull: task.idempotencyKey.map { Array($0.utf8) })
    self[10].append(task.attempt)
    self[11].append(task.lost)
    self[12].append(textOrNull: task.result)
    self[13].append(textOrNull: task.fault)
    self[14].append(task.version)
    self[15].append(timestamp: task.createdAt)
    self[16].append(timestampOrNull: task.dispatchedAt)
  }
}

extension PostgreSQLArray {
  mutating func append(orNull value: UUID128?) {
    if let value { append(value) } else { appendNull() }
  }

  mutating func append(orNull value: [UInt8]?) {
    if let value { append(bytes: value) } else { appendNull() }
  }

  mutating func append(textOrNull value: [UInt8]?) {
    if let value { append(text: value) } else { appendNull() }
  }

  mutating func append(timestampOrNull value: Int64?) {
    if let value { append(timestamp: value) } else { appendNull() }
  }

  /// PostgreSQL's `infinity` for the largest number.
  mutating func append(timestampOrInfinity value: Int64) {
    // What is stored is `value` less the epoch of 2000; this comes out as the largest number there.
    append(timestamp: value == .max ? .max &+ 946_684_800_000_000 : value)
  }
}

extension String {
  /// UTF-8 that PostgreSQL can store: NUL characters, which a CPE may send as references, are left out (item 54).
  var storable: [UInt8] { utf8.contains(0) ? utf8.filter { $0 != 0 } : Array(utf8) }
}
