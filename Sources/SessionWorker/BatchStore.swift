import Cryptography
import DataModel
import EventLog
import Fleet
import Policy
import PostgreSQL

/// Loads what a batch needs and writes what its folds made of it, in sets (docs/architecture.md, section 3).
///
/// Reading and writing happen inside the batch's one transaction. Lock order: claim, tasks by id, devices by id; every
/// set is sorted by its key and holds each key once.
enum BatchStore {
  /// What tells trivial Informs from others.
  struct Contact {
    var row: ContactRow
    var hasWork: Bool
  }

  /// Reads the rows of ``BatchStatements/contacts``.
  static func contacts(_ rows: Rows) throws(PostgreSQLError) -> [UUID128: Contact] {
    var contacts: [UUID128: Contact] = [:]
    contacts.reserveCapacity(rows.count)
    for row in rows {
      var contact = ContactRow(lastInform: try row.timestamp(1), session: try row.uuid(2))
      contact.digest = try row.optionalBytes(3) ?? []
      contact.eventsHash = try row.int64(4)
      contact.posted = try row.bool(5)
      contact.policyEpoch = try row.int64(6)
      contact.nextDue = try row.timestampOrInfinity(7)
      contact.touched = try row.int32(8)
      contacts[try row.uuid(0)] = Contact(row: contact, hasWork: try row.bool(9))
    }
    return contacts
  }

  /// The statement that loads the parts of twins.
  static func blocks(_ devices: [UUID128], _ scope: TwinScope) -> Call {
    let ids = PostgreSQLValue.uuids(devices)
    if scope.isEverything { return Call(BatchStatements.twins, ids) }
    return Call(BatchStatements.twinBlocks, ids, .texts(scope.keys.sorted()), .texts(scope.subtrees.sorted()))
  }

  /// Fills twins from the rows of ``blocks(_:_:)``.
  static func read(
    _ rows: Rows, into states: inout [UUID128: DeviceState], scope: TwinScope
  ) throws(PostgreSQLError) {
    var blocks: [UUID128: [StoredBlock]] = [:]
    for row in rows {
      blocks[try row.uuid(0), default: []].append(StoredBlock(key: try row.text(1), bytes: try row.bytes(2)))
    }
    for id in states.keys { states[id]?.twin = Twin(stored: blocks[id] ?? [], scope: scope) }
  }

  /// The statements that load devices but for their twins, in the order in which ``read(_:into:)`` wants their rows.
  static func loading(_ devices: [UUID128]) -> [Call] {
    let ids = PostgreSQLValue.uuids(devices)
    return [
      Call(BatchStatements.tasks, ids), Call(BatchStatements.devices, ids), Call(BatchStatements.sessions, ids),
      Call(BatchStatements.credentials, ids), Call(BatchStatements.policies, ids),
    ]
  }

  /// Fills states from the rows of ``loading(_:)``.
  static func read(
    _ results: [Rows], into states: inout [UUID128: DeviceState]
  ) throws(PostgreSQLError) {
    var results = results[...]
    for row in results.removeFirst() {
      if let task = try RPCTask(row) {
        states[task.device]?.tasks.append(task)
        if try row.bool(25), let before = task.dependsOn {
          states[task.device]?.failedPrerequisites.insert(before)
        }
      } else {
        states[try row.uuid(1)]?.unreadableTasks.append(try row.uuid(0))
      }
    }
    for row in results.removeFirst() {
      let device = try DeviceRow(row)
      states[device.id]?.device = device
    }
    for row in results.removeFirst() { states[try row.uuid(0)]?.session = try SessionRow(row) }
    for row in results.removeFirst() { states[try row.uuid(0)]?.credential = try CredentialRow(row) }
    for row in results.removeFirst() { states[try row.uuid(0)]?.standings.append(try PolicyStanding(row)) }
  }

  /// The statements that make the tables hold the batch's outcome.
  static func writing(
    _ before: [UUID128: DeviceState], _ outcome: inout BatchFold.Outcome, trivial: Set<UUID128>, now: Int64,
    outbox: OutboxEncoder
  ) -> [Call] {
    var writer = BatchWriter(now: now)
    for id in outcome.states.keys.sorted() {
      guard let after = outcome.states[id] else { continue }
      if trivial.contains(id) {
        writer.touch(id, after)
      } else {
        let writes = outcome.states[id]?.twin.takeWrites()
        writer.write(before[id] ?? DeviceState(id: id), after, writes)
      }
    }
    for (task, state) in outcome.finished { writer.finish(task, state) }
    writer.outbox(outcome.events, outbox)
    return writer.calls
  }
}
