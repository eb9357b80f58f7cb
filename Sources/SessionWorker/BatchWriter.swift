import Cryptography
import DataModel
import EventLog
import Fleet
import Policy
import PostgreSQL

/// Collects a batch's changes by table; ``calls`` are the statements, one a table, in lock order.
struct BatchWriter {
  private let now: Int64
  private var touched: [(UUID128, ContactRow)] = []
  private var contacts: [(UUID128, ContactRow)] = []
  private var devices: [DeviceRow] = []
  private var methods: [DeviceRow] = []
  private var sessions: [(UUID128, SessionRow)] = []
  private var endedSessions: [UUID128] = []
  private var credentials: [(UUID128, CredentialRow)] = []
  private var blocks: [(UUID128, StoredBlock)] = []
  private var deletedBlocks: [(UUID128, String)] = []
  private var deletedSubtrees: [(UUID128, String)] = []
  private var standings: [(UUID128, PolicyStanding)] = []
  private var endedStandings: [(UUID128, String)] = []
  private var tasks: [RPCTask] = []
  private var finished: [(RPCTask, RPCTask.State)] = []
  private var withWork: [(UUID128, Int64)] = []
  private var withoutWork: [UUID128] = []
  /// The queued tasks of those devices that this batch has seen.
  private var seenQueued: [UUID128] = []
  private var outboxCall: Call?

  /// Starts with nothing to write.
  init(now: Int64) { self.now = now }

  /// A device whose Inform was trivial.
  mutating func touch(_ id: UUID128, _ after: DeviceState) {
    if let contact = after.contact { touched.append((id, contact)) }
  }

  /// A device that was folded: what differs is written.
  mutating func write(_ before: DeviceState, _ after: DeviceState, _ writes: TwinWrites?) {
    let id = after.id
    if let contact = after.contact, contact != before.contact { contacts.append((id, contact)) }
    if let device = after.device, device != before.device {
      devices.append(device)
      if device.methods != before.device?.methods ?? [] { methods.append(device) }
    }
    if let session = after.session {
      if session != before.session { sessions.append((id, session)) }
    } else if before.session != nil {
      endedSessions.append(id)
    }
    if let credential = after.credential, credential != before.credential { credentials.append((id, credential)) }
    writeStandings(before, after)
    let old = Dictionary(before.tasks.map { ($0.id, $0) }) { first, _ in first }
    tasks += after.tasks.filter { old[$0.id] != $0 }
    if let writes { write(id, writes) }
    writeWakeup(before, after)
  }

  /// A task that is over.
  mutating func finish(_ task: RPCTask, _ state: RPCTask.State) { finished.append((task, state)) }

  /// Northbound events in order.
  mutating func outbox(_ events: [(id: UUID128, event: NorthboundEvent)], _ encoder: OutboxEncoder) {
    guard !events.isEmpty else { return }
    var counts: [UUID128: Int32] = [:]
    var columns = Columns([.uuid, .int32, .int16, .int16, .bytes, .bytes])
    for (id, event) in events {
      counts[event.device, default: 0] += 1
      columns[0].append(event.device)
      columns[1].append(counts[event.device] ?? 1)
      columns[2].append(TaskStore.outboxLane(of: event.device))
      columns[3].append(event.topic.rawValue)
      columns[4].append(bytes: encoder.headers(id, event).bytes)
      columns[5].append(bytes: event.data)
    }
    outboxCall = columns.call(BatchStatements.writeOutbox)
  }

  private mutating func writeStandings(_ before: DeviceState, _ after: DeviceState) {
    guard before.standings != after.standings else { return }
    standings += after.standings.filter { !before.standings.contains($0) }.map { (after.id, $0) }
    let left = Set(after.standings.map(\.policy))
    endedStandings += before.standings.map(\.policy).filter { !left.contains($0) }.map { (after.id, $0) }
  }

  private mutating func write(_ id: UUID128, _ writes: TwinWrites) {
    if writes.deletesEverything { deletedSubtrees.append((id, "")) }
    deletedSubtrees += writes.deletedSubtrees.map { (id, $0) }
    deletedBlocks += writes.deletedKeys.map { (id, $0) }
    blocks += writes.upserts.map { (id, $0) }
  }

  /// A device with live work and no session is to be woken; one without has nothing to be woken for.
  private mutating func writeWakeup(_ before: DeviceState, _ after: DeviceState) {
    let queued = after.tasks.filter { $0.state == .queued && !$0.isOfSession }
    if queued.isEmpty || after.session != nil {
      guard !before.tasks.isEmpty || before.session != nil || !after.tasks.isEmpty else { return }
      withoutWork.append(after.id)
      seenQueued += queued.map(\.id)
    } else {
      withWork.append((after.id, max(queued.map(\.notBefore).min() ?? now, now + 5_000_000)))
    }
  }

  // MARK: - Statements

  /// What to run, in lock order: tasks, wake-ups, devices, contacts.
  var calls: [Call] {
    var calls: [Call] = []
    calls += taskCalls
    calls += wakeupCalls
    calls += deviceCalls
    calls += twinCalls
    if let outboxCall { calls.append(outboxCall) }
    return calls
  }

  private var taskCalls: [Call] {
    var calls: [Call] = []
    if !tasks.isEmpty {
      var columns = Columns([
        .uuid, .uuid, .text, .text, .int16, .bool, .bool, .int16, .int16, .text, .int32, .int32, .int32, .uuid, .bytes,
        .timestamp, .timestamp, .timestamp, .bytes, .text, .text, .int32, .timestamp,
      ])
      for task in tasks.sorted(by: { $0.id < $1.id }) { columns.append(task) }
      calls.append(columns.call(BatchStatements.writeTasks, .timestamp(now)))
    }
    if !finished.isEmpty {
      calls.append(Call(BatchStatements.deleteTasks, .uuids(finished.map(\.0.id).sorted())))
      var columns = Columns([
        .uuid, .uuid, .text, .text, .int16, .bool, .int16, .int16, .text, .text, .int32, .int32, .text, .text, .int32,
        .timestamp, .timestamp,
      ])
      for (task, state) in finished { columns.append(task, state) }
      calls.append(columns.call(BatchStatements.writeHistory, .timestamp(now)))
    }
    return calls
  }

  private var deviceCalls: [Call] {
    var calls: [Call] = []
    if !devices.isEmpty {
      var columns = Columns(
        [.uuid] + Array(repeating: .text, count: 11) + [.int32, .timestamp, .timestamp])
      for device in devices { columns.append(device) }
      calls.append(columns.call(BatchStatements.writeDevices))
    }
    if !methods.isEmpty {
      calls.append(
        Call(
          BatchStatements.writeMethods, .uuids(methods.map(\.id)),
          .texts(methods.map { $0.methods.joined(separator: " ") })))
    }
    if !touched.isEmpty {
      calls.append(
        Call(
          BatchStatements.touchContacts, .uuids(touched.map(\.0)), .uuids(touched.map(\.1.session)), .timestamp(now),
          .int64s(touched.map(\.1.eventsHash))))
    }
    if !contacts.isEmpty {
      var columns = Columns([.uuid, .timestamp, .uuid, .bytes, .int64, .bool, .int64, .timestamp, .int32])
      for (id, contact) in contacts { columns.append(id, contact) }
      calls.append(columns.call(BatchStatements.writeContacts))
    }
    if !sessions.isEmpty {
      var columns = Columns([
        .uuid, .uuid, .int16, .text, .int16, .int16, .int16, .int16, .uuid, .int32, .bytes, .bool, .bytes, .timestamp,
        .int32, .bytes, .bytes,
      ])
      for (id, session) in sessions { columns.append(id, session) }
      calls.append(columns.call(BatchStatements.writeSessions))
    }
    if !endedSessions.isEmpty { calls.append(Call(BatchStatements.deleteSessions, .uuids(endedSessions))) }
    if !credentials.isEmpty {
      var columns = Columns([.uuid, .text, .bytes, .bytes, .text, .bytes, .bytes, .timestamp, .timestamp])
      for (id, credential) in credentials { columns.append(id, credential) }
      calls.append(columns.call(BatchStatements.writeCredentials))
    }
    return calls
  }

  private var wakeupCalls: [Call] {
    guard !withoutWork.isEmpty || !withWork.isEmpty else { return [] }
    var calls = [Call(TaskStore.lockWakeups, .uuids((withoutWork + withWork.map(\.0)).sorted()))]
    if !withoutWork.isEmpty {
      calls.append(Call(TaskStore.closeWakeups, .uuids(withoutWork), .uuids(seenQueued)))
    }
    if !withWork.isEmpty {
      var columns = Columns([.uuid, .timestamp])
      for (id, time) in withWork {
        columns[0].append(id)
        columns[1].append(timestamp: time)
      }
      calls.append(columns.call(TaskStore.openWakeups))
    }
    return calls
  }

  private var twinCalls: [Call] {
    var calls: [Call] = []
    if !deletedSubtrees.isEmpty {
      calls.append(
        Call(BatchStatements.deleteSubtrees, .uuids(deletedSubtrees.map(\.0)), .texts(deletedSubtrees.map(\.1))))
    }
    if !deletedBlocks.isEmpty {
      calls.append(Call(BatchStatements.deleteBlocks, .uuids(deletedBlocks.map(\.0)), .texts(deletedBlocks.map(\.1))))
    }
    if !blocks.isEmpty {
      calls.append(
        Call(
          BatchStatements.writeBlocks, .uuids(blocks.map(\.0)), .texts(blocks.map(\.1.key)),
          .bytesArray(blocks.map(\.1.bytes))))
    }
    if !endedStandings.isEmpty {
      calls.append(
        Call(BatchStatements.deletePolicies, .uuids(endedStandings.map(\.0)), .texts(endedStandings.map(\.1))))
    }
    if !standings.isEmpty {
      var columns = Columns([.uuid, .text, .int32, .int32, .int32, .text, .text, .timestamp])
      for (id, standing) in standings { columns.append(id, standing) }
      calls.append(columns.call(BatchStatements.writePolicies))
    }
    return calls
  }
}
