import Cryptography
import EventLog
import Fleet
import PostgreSQL

/// Makes tasks and ends queued ones, each with its event and its wake-up in one transaction (promise P5). Queued tasks are
/// all that the scheduler may change; the other states are the worker's.
struct TaskWriter: Sendable {
  /// Why a task ended without having been sent, as JSON with `code` and `message`; the codes are the worker's.
  enum Reason: String {
    case expired = #"{"code":2,"message":"not sent by its deadline"}"#
    case dependency = #"{"code":5,"message":"the task that it depends on did not succeed"}"#
    case campaignCancelled = #"{"code":8,"message":"its campaign was cancelled"}"#
  }

  let lane: Lane

  /// Ends queued tasks, whose rows the caller has locked: they move to the history.
  func finish(_ tasks: [UUID128], _ state: RPCTask.State, _ reason: Reason, in transaction: Transaction) async throws {
    guard !tasks.isEmpty else { return }
    let rows = try await transaction.pipeline([
      Call(Self.cluster),
      Call(Self.endings, .uuids(tasks), .text(state.name), .text(reason.rawValue)),
      Call(Self.bury, .uuids(tasks), .int16(state.rawValue), .text(reason.rawValue)),
    ])
    try await tell(rows[1], rows[0], in: transaction)
    let devices = try rows[1].map { try $0.uuid(1) }
    _ = try await transaction.query(Self.closeWakeups, .uuids(devices))
  }

  /// Makes queued tasks and wakes their devices.
  func insert(_ tasks: [RPCTask], in transaction: Transaction) async throws {
    guard !tasks.isEmpty else { return }
    var created = PostgreSQLArray(.timestamp)
    var deadlines = PostgreSQLArray(.timestamp)
    for task in tasks {
      created.append(timestamp: task.createdAt)
      deadlines.append(timestamp: task.deadline)
    }
    let ids = PostgreSQLValue.uuids(tasks.map(\.id))
    let rows = try await transaction.pipeline([
      Call(Self.cluster),
      Call(
        Self.create, ids, .uuids(tasks.map(\.device)), .texts(tasks.map(\.request.method)),
        .texts(tasks.map { String(decoding: $0.request.arguments, as: UTF8.self) }),
        .int16s(tasks.map { $0.once ? 1 : 0 }), .int16s(tasks.map(\.priority)),
        .int16s(tasks.map(\.origin.rawValue)), .texts(tasks.map(\.originName)),
        .int32s(tasks.map(\.maximumAttempts)), .array(deadlines), .array(created)),
      Call(Self.beginnings, ids),
      Call(Self.openWakeups, .uuids(Set(tasks.map(\.device)).sorted())),
    ])
    try await tell(rows[2], rows[0], in: transaction)
  }

  /// Commits events of tasks: rows of task, device, version, data.
  private func tell(_ events: Rows, _ cluster: Rows, in transaction: Transaction) async throws {
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
      let id = Self.eventID(task: try row.uuid(0), version: try row.int32(2), restoreCount: restoreCount)
      headers.append(Self.headers(id, type: "carillon.task.\(try row.text(4)).v1", device: device, time: time).bytes)
      data.append(try row.bytes(3))
    }
    try await transaction.pipeline([
      Call(Self.lockContacts, .uuids(counts.keys.sorted())),
      Call(
        Self.writeOutbox, .uuids(devices), .int32s(numbers),
        .int16s(devices.map { Int16($0.low % UInt64(OutboxLanes.count)) }), .int16(Topic.taskEvents.rawValue),
        .bytesArray(headers), .bytesArray(data)),
    ])
  }

  /// The id of the event that tells of a task's version: no record caused it, and the restore count keeps it from
  /// meeting one of before a restore (docs/architecture.md, section 5).
  static func eventID(task: UUID128, version: Int32, restoreCount: Int32) -> UUID128 {
    UUID128.named("\(version).\(restoreCount)", in: task)
  }

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

  // MARK: - Statements

  private static let cluster = Statement(
    "task_writer.cluster",
    """
    SELECT restore_count, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') FROM cluster_state
    """)

  /// The data of a task's event as the worker writes it; `fault` is NULL or JSON.
  private static func event(version: String, state: String, fault: String) -> String {
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

  private static let endings = Statement(
    "task_writer.endings", event(version: "t.version + 1", state: "$2::text", fault: "$3::text::json"))

  private static let beginnings = Statement(
    "task_writer.beginnings", event(version: "t.version", state: "'queued'::text", fault: "NULL::json"))

  private static let bury = Statement(
    "task_writer.bury",
    """
    WITH gone AS (DELETE FROM task WHERE id = ANY ($1::uuid[]) RETURNING *)
    INSERT INTO task_history (id, device, method, arguments, state, once, priority, origin, origin_name, idempotency_key,
                              attempt, lost, result, fault, version, created_at, dispatched_at, finished_at)
    SELECT id, device, method, arguments, $2, once, priority, origin, origin_name, idempotency_key, attempt, lost, result,
           $3::text::json, version + 1, created_at, dispatched_at, now()
      FROM gone
    """)

  private static let create = Statement(
    "task_writer.create",
    """
    INSERT INTO task (id, device, method, arguments, state, once, priority, origin, origin_name, maximum_attempts,
                      not_before, deadline, created_at, changed_at)
    SELECT id, device, method, arguments::json, 1, once = 1, priority, origin, origin_name, maximum_attempts, created_at,
           deadline, created_at, created_at
      FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::smallint[], $7::smallint[],
                  $8::text[], $9::integer[], $10::timestamptz[], $11::timestamptz[])
        AS w(id, device, method, arguments, once, priority, origin, origin_name, maximum_attempts, deadline, created_at)
     ORDER BY id
    """)

  private static let openWakeups = Statement(
    "task_writer.open_wakeups",
    """
    INSERT INTO wakeup (device, next_try) SELECT device, now() FROM unnest($1::uuid[]) AS w(device)
    ON CONFLICT (device) DO UPDATE SET next_try = least(wakeup.next_try, EXCLUDED.next_try)
    """)

  private static let closeWakeups = Statement(
    "task_writer.close_wakeups",
    """
    DELETE FROM wakeup w WHERE w.device = ANY ($1::uuid[])
       AND NOT EXISTS (SELECT FROM task t WHERE t.device = w.device AND t.state = 1)
    """)

  private static let lockContacts = Statement(
    "task_writer.lock_contacts",
    "SELECT FROM device_contact WHERE device = ANY ($1::uuid[]) ORDER BY device FOR NO KEY UPDATE")

  /// Each device's next sequence numbers, allotted under the lock of its contact row.
  private static let writeOutbox = Statement(
    "task_writer.outbox",
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
