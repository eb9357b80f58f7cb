import PostgreSQL

/// The worker's SQL: one statement a table and batch, never one a device (docs/architecture.md, section 3).
///
/// Every statement names the device first. Sets come as arrays of one length; `unnest` makes rows of them.
enum BatchStatements {
  /// What tells whether an Inform is trivial. $1: device ids.
  static let contacts = Statement(
    "batch_contacts",
    """
    SELECT c.device, c.last_inform, c.session, c.digest, c.events_hash, c.posted, c.policy_epoch, c.next_due, c.touched,
           coalesce(t.is_there, s.is_there, false)
      FROM device_contact c
      LEFT JOIN LATERAL (SELECT true AS is_there FROM task WHERE task.device = c.device LIMIT 1) t ON true
      LEFT JOIN LATERAL (SELECT true AS is_there FROM session WHERE session.device = c.device LIMIT 1) s ON true
     WHERE c.device = ANY ($1::uuid[])
    """)

  /// The epoch of the policies and the restore count.
  static let cluster = Statement(
    "batch_cluster",
    "SELECT policy_epoch, restore_count, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM cluster_state")

  /// The live tasks of devices, locked: the API and the scheduler change them too; and whether what one depends on
  /// ended otherwise than well (10 is succeeded). $1: device ids.
  static let tasks = Statement(
    "batch_tasks",
    """
    SELECT id, device, method, arguments, state, once, retries_on_doubt, priority, origin, origin_name, idempotency_key,
           depends_on, attempt, lost, maximum_attempts, session, post, dispatched_at, not_before, deadline, evidence,
           result, fault, version, created_at,
           CASE WHEN state IN (1, 4) AND depends_on IS NOT NULL
                THEN EXISTS (SELECT FROM task_history h WHERE h.id = task.depends_on AND h.state <> 10)
                ELSE false END
      FROM task WHERE device = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
    """)

  /// Kept from being deleted meanwhile: what is written for them would be left without them. $1: device ids.
  static let devices = Statement(
    "batch_devices",
    """
    SELECT id, identity, manufacturer, oui, product_class, serial_number, root, software_version, hardware_version,
           provisioning_code, connection_request_url, peer, tags, dialect, methods, created_at, seen_at
      FROM device WHERE id = ANY ($1::uuid[]) FOR KEY SHARE
    """)

  /// $1: device ids.
  static let sessions = Statement(
    "batch_sessions",
    """
    SELECT device, id, namespace, events, authentication, announced, rounds, rpcs, task, attempt, post, rebound,
           dead_post, last_post_at, extract(epoch FROM lost_after)::integer, state, unnamed_answers
      FROM session WHERE device = ANY ($1::uuid[])
    """)

  /// Locked: a row is written whole, and operators let devices in again and import passwords. $1: device ids.
  static let credentials = Statement(
    "batch_credentials",
    """
    SELECT device, username, secret, pending_secret, request_username, request_secret, pending_request_secret,
           readmit_until, held_at
      FROM credential WHERE device = ANY ($1::uuid[]) ORDER BY device FOR NO KEY UPDATE
    """)

  /// $1: device ids.
  static let twins = Statement(
    "batch_twins", "SELECT device, path, data FROM twin_block WHERE device = ANY ($1::uuid[])")

  /// $1: device ids, $2: keys, $3: beginnings of keys.
  static let twinBlocks = Statement(
    "batch_twin_blocks",
    """
    SELECT device, path, data FROM twin_block
     WHERE device = ANY ($1::uuid[]) AND (path = ANY ($2::text[]) OR path ^@ ANY ($3::text[]))
    """)

  /// $1: device ids.
  static let policies = Statement(
    "batch_policies",
    """
    SELECT device, policy, version, failures, code, message, path, retry_at
      FROM device_policy WHERE device = ANY ($1::uuid[])
    """
  )

  // MARK: - Writing

  /// Contacts of trivial Informs. $1: devices, $2: sessions, $3: time.
  static let touchContacts = Statement(
    "batch_touch_contacts",
    """
    UPDATE device_contact c SET last_inform = $3, session = w.session, posted = false, events_hash = w.events_hash
      FROM unnest($1::uuid[], $2::uuid[], $4::bigint[]) AS w(device, session, events_hash)
     WHERE c.device = w.device
    """)

  /// Contacts whole. `touched` decides whether the evaluation saw what others changed meanwhile.
  static let writeContacts = Statement(
    "batch_write_contacts",
    """
    INSERT INTO device_contact AS c (device, last_inform, session, digest, events_hash, posted, policy_epoch, next_due,
                                     touched)
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bytea[], $5::bigint[], $6::boolean[],
                         $7::bigint[], $8::timestamptz[], $9::integer[])
    ON CONFLICT (device) DO UPDATE SET last_inform = EXCLUDED.last_inform, session = EXCLUDED.session,
      digest = EXCLUDED.digest, events_hash = EXCLUDED.events_hash, posted = EXCLUDED.posted,
      policy_epoch = CASE WHEN c.touched = EXCLUDED.touched THEN EXCLUDED.policy_epoch ELSE 0 END,
      next_due = EXCLUDED.next_due
    """)

  static let writeDevices = Statement(
    "batch_write_devices",
    """
    INSERT INTO device (id, identity, manufacturer, oui, product_class, serial_number, root, software_version,
                        hardware_version, provisioning_code, connection_request_url, peer, dialect, created_at, seen_at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::text[], $11::text[], $12::text[], $13::integer[], $14::timestamptz[],
                         $15::timestamptz[])
    ON CONFLICT (id) DO UPDATE SET manufacturer = EXCLUDED.manufacturer, root = EXCLUDED.root,
      software_version = EXCLUDED.software_version, hardware_version = EXCLUDED.hardware_version,
      provisioning_code = EXCLUDED.provisioning_code, connection_request_url = EXCLUDED.connection_request_url,
      peer = EXCLUDED.peer, dialect = EXCLUDED.dialect, seen_at = EXCLUDED.seen_at
    """)

  /// RPC lists are arrays themselves, which unnest cannot nest: they travel joined by spaces (no method has one).
  static let writeMethods = Statement(
    "batch_write_methods",
    """
    UPDATE device SET methods = string_to_array(w.methods, ' ')
      FROM unnest($1::uuid[], $2::text[]) AS w(id, methods) WHERE device.id = w.id
    """)

  static let writeSessions = Statement(
    "batch_write_sessions",
    """
    INSERT INTO session (device, id, namespace, events, authentication, announced, rounds, rpcs, task, attempt, post,
                         rebound, dead_post, last_post_at, lost_after, state, unnamed_answers)
    SELECT device, id, namespace, string_to_array(events, E'\\n'), authentication, announced, rounds, rpcs, task,
           attempt, post, rebound, dead_post, last_post_at, make_interval(secs => lost_after), state, unnamed_answers
      FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::smallint[], $6::smallint[], $7::smallint[],
                  $8::smallint[], $9::uuid[], $10::integer[], $11::bytea[], $12::boolean[], $13::bytea[],
                  $14::timestamptz[], $15::integer[], $16::bytea[], $17::bytea[])
        AS w(device, id, namespace, events, authentication, announced, rounds, rpcs, task, attempt, post, rebound,
             dead_post, last_post_at, lost_after, state, unnamed_answers)
    ON CONFLICT (device) DO UPDATE SET id = EXCLUDED.id, namespace = EXCLUDED.namespace, events = EXCLUDED.events,
      authentication = EXCLUDED.authentication, announced = EXCLUDED.announced, rounds = EXCLUDED.rounds,
      rpcs = EXCLUDED.rpcs, task = EXCLUDED.task, attempt = EXCLUDED.attempt, post = EXCLUDED.post,
      rebound = EXCLUDED.rebound, dead_post = EXCLUDED.dead_post, last_post_at = EXCLUDED.last_post_at,
      lost_after = EXCLUDED.lost_after, state = EXCLUDED.state, unnamed_answers = EXCLUDED.unnamed_answers
    """)

  /// $1: device ids.
  static let deleteSessions = Statement(
    "batch_delete_sessions", "DELETE FROM session WHERE device = ANY ($1::uuid[])")

  static let writeCredentials = Statement(
    "batch_write_credentials",
    """
    INSERT INTO credential (device, username, secret, pending_secret, request_username, request_secret,
                            pending_request_secret, readmit_until, held_at, changed_at)
    SELECT *, now() FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::bytea[], $7::bytea[],
                                $8::timestamptz[], $9::timestamptz[])
    ON CONFLICT (device) DO UPDATE SET username = EXCLUDED.username, secret = EXCLUDED.secret,
      pending_secret = EXCLUDED.pending_secret, request_username = EXCLUDED.request_username,
      request_secret = EXCLUDED.request_secret, pending_request_secret = EXCLUDED.pending_request_secret,
      readmit_until = EXCLUDED.readmit_until, held_at = EXCLUDED.held_at, changed_at = EXCLUDED.changed_at
    """)

  static let writeBlocks = Statement(
    "batch_write_blocks",
    """
    INSERT INTO twin_block (device, path, data) SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[])
    ON CONFLICT (device, path) DO UPDATE SET data = EXCLUDED.data
    """)

  static let deleteBlocks = Statement(
    "batch_delete_blocks",
    """
    DELETE FROM twin_block b USING unnest($1::uuid[], $2::text[]) AS w(device, path)
     WHERE b.device = w.device AND b.path = w.path
    """)

  /// An empty beginning means all of the device's blocks.
  static let deleteSubtrees = Statement(
    "batch_delete_subtrees",
    """
    DELETE FROM twin_block b USING unnest($1::uuid[], $2::text[]) AS w(device, path)
     WHERE b.device = w.device AND b.path ^@ w.path
    """)

  static let writePolicies = Statement(
    "batch_write_policies",
    """
    INSERT INTO device_policy (device, policy, version, failures, code, message, path, retry_at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::text[],
                         $8::timestamptz[])
    ON CONFLICT (device, policy) DO UPDATE SET version = EXCLUDED.version, failures = EXCLUDED.failures,
      code = EXCLUDED.code, message = EXCLUDED.message, path = EXCLUDED.path, retry_at = EXCLUDED.retry_at
    """)

  static let deletePolicies = Statement(
    "batch_delete_policies",
    """
    DELETE FROM device_policy p USING unnest($1::uuid[], $2::text[]) AS w(device, policy)
     WHERE p.device = w.device AND p.policy = w.policy
    """)

  /// What the batch dispatches goes out when this has been committed, and not when the batch began: a restart that the
  /// device tells of meanwhile is none of its.
  static let writeTasks = Statement(
    "batch_write_tasks",
    """
    INSERT INTO task (id, device, method, arguments, state, once, retries_on_doubt, priority, origin, origin_name,
                      attempt, lost, maximum_attempts, session, post, dispatched_at, not_before, deadline, evidence,
                      result, fault, version, created_at, changed_at)
    SELECT id, device, method, arguments::json, state, once, retries_on_doubt, priority, origin, origin_name,
           attempt, lost, maximum_attempts, session, post,
           CASE WHEN dispatched_at = $24 THEN clock_timestamp() ELSE dispatched_at END,
           not_before, deadline, evidence, result::json, fault::json, version, created_at, $24
      FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::boolean[], $7::boolean[],
                  $8::smallint[], $9::smallint[], $10::text[], $11::integer[], $12::integer[], $13::integer[],
                  $14::uuid[], $15::bytea[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::bytea[],
                  $20::text[], $21::text[], $22::integer[], $23::timestamptz[])
        AS w(id, device, method, arguments, state, once, retries_on_doubt, priority, origin, origin_name, attempt, lost,
             maximum_attempts, session, post, dispatched_at, not_before, deadline, evidence, result, fault, version,
             created_at)
    ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state, attempt = EXCLUDED.attempt, lost = EXCLUDED.lost,
      session = EXCLUDED.session, post = EXCLUDED.post, dispatched_at = EXCLUDED.dispatched_at,
      not_before = EXCLUDED.not_before, deadline = EXCLUDED.deadline, evidence = EXCLUDED.evidence,
      result = EXCLUDED.result, fault = EXCLUDED.fault, version = EXCLUDED.version, changed_at = EXCLUDED.changed_at
    """)

  /// Moves finished tasks to the history. $1: ids.
  static let deleteTasks = Statement("batch_delete_tasks", "DELETE FROM task WHERE id = ANY ($1::uuid[])")

  static let writeHistory = Statement(
    "batch_write_history",
    """
    INSERT INTO task_history (id, device, method, arguments, state, once, priority, origin, origin_name,
                              idempotency_key, attempt, lost, result, fault, version, created_at,
                              dispatched_at, finished_at)
    SELECT id, device, method, arguments::json, state, once, priority, origin, origin_name, idempotency_key, attempt,
           lost, result::json, fault::json, version, created_at, dispatched_at, $18
      FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::boolean[], $7::smallint[],
                  $8::smallint[], $9::text[], $10::text[], $11::integer[], $12::integer[], $13::text[], $14::text[],
                  $15::integer[], $16::timestamptz[], $17::timestamptz[])
        AS w(id, device, method, arguments, state, once, priority, origin, origin_name, idempotency_key, attempt, lost,
             result, fault, version, created_at, dispatched_at)
    """)

  /// Events in order: each device's next sequence numbers, allotted under the lock of its contact row.
  static let writeOutbox = Statement(
    "batch_write_outbox",
    """
    WITH w AS (
      SELECT * FROM unnest($1::uuid[], $2::integer[], $3::smallint[], $4::smallint[], $5::bytea[], $6::bytea[])
        AS w(device, n, lane, topic, headers, value)),
    allotted AS (
      UPDATE device_contact c SET event_seq = c.event_seq + k.count
        FROM (SELECT device, count(*) AS count FROM w GROUP BY device) AS k
       WHERE c.device = k.device RETURNING c.device, c.event_seq - k.count AS base)
    INSERT INTO outbox (lane, device, seq, topic, headers, value)
    SELECT w.lane, w.device, coalesce(a.base, 0) + w.n, w.topic, w.headers, w.value
      FROM w LEFT JOIN allotted a ON a.device = w.device
     ORDER BY w.device, w.n
    """)
}
