public import Cryptography
import EventLog
public import PostgreSQL

/// Makes tasks and ends queued ones, each with its event and its wake-up in one transaction (promises P2 and P5): what
/// the API and the scheduler share. Both change `queued` rows only; the other states are the worker's
/// (docs/architecture.md, section 4).
///
/// Set-wise: one statement a table, however many tasks. Rows are locked in the order task, wakeup, contact, outbox, as
/// the worker does; a deadlock that is left ends one of the two with SQLSTATE 40P01, which is to be tried again.
public enum TaskStore {
  /// How many lanes the outbox has: a device's events are relayed in order within its lane.
  public static let outboxLanes: Int16 = 16

  /// The outbox lane of a device.
  public static func outboxLane(of device: UUID128) -> Int16 {
    Int16(truncatingIfNeeded: device.low % UInt64(outboxLanes))
  }

  /// Inserts queued tasks, opens their devices' wake-ups and tells of them (`carillon.task.queued.v1`).
  ///
  /// - Parameters:
  ///   - tasks: queued ones; the caller has seen to it that their devices exist and their idempotency keys are free.
  ///   - transaction: to be committed before anybody is told of the tasks.
  public static func insert(_ tasks: [RPCTask], in transaction: Transaction) async throws {
    guard !tasks.isEmpty else { return }
    let ids = PostgreSQLValue.uuids(tasks.map(\.id))
    let wakeups = tasks.sorted { ($0.device, $0.notBefore) < ($1.device, $1.notBefore) }
    let rows = try await transaction.pipeline([
      Call(cluster),
      insertion(of: tasks),
      Call(openWakeups, .uuids(wakeups.map(\.device)), times(wakeups.map(\.notBefore))),
      Call(beginnings, ids),
    ])
    try await tell(rows[3], rows[0], in: transaction)
  }

  /// Ends queued tasks, whose rows the caller has locked: they move to the history, and a device without a queued task
  /// is no longer woken.
  ///
  /// - Parameters:
  ///   - tasks: their ids.
  ///   - state: what they end as.
  ///   - fault: why, as JSON with `code` and `message`.
  ///   - transaction: to be committed by the caller.
  public static func finish(
    _ tasks: [UUID128], _ state: RPCTask.State, fault: String, in transaction: Transaction
  ) async throws {
    guard !tasks.isEmpty else { return }
    let ids = PostgreSQLValue.uuids(tasks)
    let rows = try await transaction.pipeline([
      Call(cluster),
      Call(endings, ids, .text(state.name), .text(fault)),
      Call(bury, ids, .int16(state.rawValue), .text(fault)),
    ])
    let devices = PostgreSQLValue.uuids(Set(try rows[1].map { try $0.uuid(1) }).sorted())
    try await transaction.pipeline([Call(lockWakeups, devices), Call(closeWakeups, devices, .uuids([]))])
    try await tell(rows[1], rows[0], in: transaction)
  }

  /// The id of the event that tells of a task's version: no record caused it, and the restore count keeps it from
  /// meeting one of before a restore (docs/architecture.md, section 5).
  public static func eventID(task: UUID128, version: Int32, restoreCount: Int32) -> UUID128 {
    UUID128.named("\(version).\(restoreCount)", in: task)
  }

  // MARK: - Events

  /// Puts events of tasks into the outbox: rows of task, device, version, data, state.
  static func tell(_ events: Rows, _ cluster: Rows, in transaction: Transaction) async throws {
    guard let cluster = cluster.first, !events.isEmpty else { return }
    let restoreCount = try cluster.int32(0)
    let time = try cluster.text(1)
    var devices: [UUID128] = []
    var numbers: [Int32] = []
    var headers: [[UInt8]] = []
    var data: [[UInt8]] = []
    var counts: [UUID128: Int32] = [:]
    for row in events {
      let device = try row.uuid(1)
      counts[device, default: 0] += 1
      devices.append(device)
      numbers.append(counts[device] ?? 1)
      let id = eventID(task: try row.uuid(0), version: try row.int32(2), restoreCount: restoreCount)
      let type = "carillon.task.\(try row.text(4)).v1"
      headers.append(Self.headers(id, type: type, device: device, time: time).bytes)
      data.append(try row.bytes(3))
    }
    try await transaction.pipeline([
      Call(lockContacts, .uuids(counts.keys.sorted())),
      Call(
        writeOutbox, .uuids(devices), .int32s(numbers), .int16s(devices.map(outboxLane(of:))),
        .int16(Topic.taskEvents.rawValue), .bytesArray(headers), .bytesArray(data)),
    ])
  }

  /// CloudEvents 1.0 in binary mode; the relay adds `ce_sequence`.
  private static func headers(_ id: UUID128, type: String, device: UUID128, time: String) -> RecordHeaders {
    var headers = RecordHeaders()
    headers.append("ce_specversion", "1.0")
    headers.append("ce_id", id.description)
    headers.append("ce_source", "/carillon")
    headers.append("ce_type", type)
    headers.append("ce_subject", device.description)
    headers.append("ce_time", time)
    headers.append("content-type", "application/json")
    return headers
  }

  // MARK: - Columns

  private static func insertion(of tasks: [RPCTask]) -> Call {
    var once = PostgreSQLArray(.bool)
    var retries = PostgreSQLArray(.bool)
    var keys = PostgreSQLArray(.text)
    var dependencies = PostgreSQLArray(.uuid)
    for task in tasks {
      once.append(task.once)
      retries.append(task.retriesOnDoubt)
      if let key = task.idempotencyKey { keys.append(key) } else { keys.appendNull() }
      if let other = task.dependsOn { dependencies.append(other) } else { dependencies.appendNull() }
    }
    return Call(
      create, .uuids(tasks.map(\.id)), .uuids(tasks.map(\.device)), .texts(tasks.map(\.request.method)),
      .texts(tasks.map { String(decoding: $0.request.arguments, as: UTF8.self) }), .array(once), .array(retries),
      .int16s(tasks.map(\.priority)), .int16s(tasks.map(\.origin.rawValue)), .texts(tasks.map(\.originName)),
      .array(keys), .array(dependencies), .int32s(tasks.map(\.maximumAttempts)), times(tasks.map(\.notBefore)),
      times(tasks.map(\.deadline)), times(tasks.map(\.createdAt)))
  }

  private static func times(_ values: [Int64]) -> PostgreSQLValue {
    var array = PostgreSQLArray(.timestamp)
    for value in values { array.append(timestamp: value) }
    return .array(array)
  }

  // MARK: - Statements

  static let cluster = Statement(
    "task_store.cluster",
    """
    SELECT restore_count, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') FROM cluster_state
    """)

  private static let create = Statement(
    "task_store.create",
    """
    INSERT INTO task (id, device, method, arguments, state, once, retries_on_doubt, priority, origin, origin_name,
                      idempotency_key, depends_on, maximum_attempts, not_before, deadline, created_at, changed_at)
    SELECT id, device, method, arguments::json, 1, once, retries_on_doubt, priority, origin, origin_name,
           idempotency_key, depends_on, maximum_attempts, not_before, deadline, created_at, created_at
      FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::boolean[], $7::smallint[],
                  $8::smallint[], $9::text[], $10::text[], $11::uuid[], $12::integer[], $13::timestamptz[],
                  $14::timestamptz[], $15::timestamptz[])
        AS w(id, device, method, arguments, once, retries_on_doubt, priority, origin, origin_name, idempotency_key,
             depends_on, maximum_attempts, not_before, deadline, created_at)
     ORDER BY id
    """)

  private static let bury = Statement(
    "task_store.bury",
    """
    WITH gone AS (DELETE FROM task WHERE id = ANY ($1::uuid[]) RETURNING *)
    INSERT INTO task_history (id, device, method, arguments, state, once, priority, origin, origin_name,
                              idempotency_key, attempt, lost, result, fault, version, created_at,
                              dispatched_at, finished_at)
    SELECT id, device, method, arguments, $2, once, priority, origin, origin_name, idempotency_key, attempt, lost,
           result, $3::text::json, version + 1, created_at, dispatched_at, now()
      FROM gone
    """)

  /// Before wake-ups are closed or opened. Who queues a task holds its device's row until the commit: afterwards a new
  /// statement sees that task. $1: devices.
  public static let lockWakeups = Statement(
    "task_store.lock_wakeups", "SELECT FROM wakeup WHERE device = ANY ($1::uuid[]) ORDER BY device FOR UPDATE")

  /// Opens wake-ups, or hurries those that are open. $1: devices, $2: when to try.
  public static let openWakeups = Statement(
    "task_store.open_wakeups",
    """
    INSERT INTO wakeup (device, next_try)
    SELECT device, min(next_try) FROM unnest($1::uuid[], $2::timestamptz[]) AS w(device, next_try)
     GROUP BY device ORDER BY device
    ON CONFLICT (device) DO UPDATE SET next_try = least(wakeup.next_try, EXCLUDED.next_try)
    """)

  /// Closes wake-ups, of devices that have no queued task but these: one that was queued meanwhile keeps its own. Run
  /// ``lockWakeups`` first. $1: devices, $2: tasks.
  public static let closeWakeups = Statement(
    "task_store.close_wakeups",
    """
    DELETE FROM wakeup w WHERE w.device = ANY ($1::uuid[])
       AND NOT EXISTS (SELECT FROM task t WHERE t.device = w.device AND t.state = 1 AND t.id <> ALL ($2::uuid[]))
    """)

  private static let beginnings = Statement(
    "task_store.beginnings", event(version: "t.version", state: "'queued'::text", fault: "NULL::json"))

  private static let endings = Statement(
    "task_store.endings", event(version: "t.version + 1", state: "$2::text", fault: "$3::text::json"))

  /// The data of a task's event as the worker writes it; `fault` is NULL or JSON.
  static func event(version: String, state: String, fault: String) -> String {
    """
    SELECT t.id, t.device, \(version), convert_to(json_strip_nulls(json_build_object(
             'task', t.id, 'identity', coalesce(d.identity, ''), 'method', t.method, 'state', \(state),
             'attempt', t.attempt,
             'origin', (ARRAY['api', 'policy', 'campaign', 'credentials', 'preparation'])[t.origin],
             'origin_name', nullif(t.origin_name, ''), 'idempotency_key', t.idempotency_key,
             'fault', \(fault)))::text, 'UTF8'), \(state)
      FROM task t LEFT JOIN device d ON d.id = t.device
     WHERE t.id = ANY ($1::uuid[]) ORDER BY t.id
    """
  }

  private static let lockContacts = Statement(
    "task_store.lock_contacts",
    "SELECT FROM device_contact WHERE device = ANY ($1::uuid[]) ORDER BY device FOR NO KEY UPDATE")

  /// Each device's next sequence numbers, allotted under the lock of its contact row.
  private static let writeOutbox = Statement(
    "task_store.outbox",
    """
    WITH w AS (
      SELECT * FROM unnest($1::uuid[], $2::integer[], $3::smallint[], $5::bytea[], $6::bytea[])
        AS w(device, n, lane, headers, value)),
    allotted AS (
      UPDATE device_contact c SET event_seq = c.event_seq + k.count
        FROM (SELECT device, count(*) AS count FROM w GROUP BY device) AS k
       WHERE c.device = k.device RETURNING c.device, c.event_seq - k.count AS base)
    INSERT INTO outbox (lane, device, seq, topic, headers, value)
    SELECT w.lane, w.device, coalesce(a.base, 0) + w.n, $4, w.headers, w.value
      FROM w LEFT JOIN allotted a ON a.device = w.device
     ORDER BY w.device, w.n
    """)
}
