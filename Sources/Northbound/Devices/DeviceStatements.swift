import PostgreSQL

/// The API's SQL of devices.
enum DeviceStatements {
  /// $1: device.
  static let find = Statement("devices.find", "SELECT \(DeviceRecord.columns) FROM device WHERE id = $1")

  /// $1: device.
  static let contact = Statement(
    "devices.contact", "SELECT last_inform, session, next_due, event_seq FROM device_contact WHERE device = $1")

  /// $1: device.
  static let session = Statement(
    "devices.session",
    "SELECT id, events, authentication, rounds, rpcs, task, last_post_at FROM session WHERE device = $1 AND NOT ended")

  /// States of credentials, never the credentials. $1: device.
  static let credential = Statement(
    "devices.credential",
    """
    SELECT username, secret IS NOT NULL, pending_secret IS NOT NULL, request_secret IS NOT NULL,
           CASE WHEN readmit_until > now() THEN readmit_until END, held_at, held_peer, held_count, changed_at
      FROM credential WHERE device = $1
    """)

  /// Policies in trouble, of the versions that are in force. $1: device.
  static let policies = Statement(
    "devices.policies",
    """
    SELECT s.policy, s.version, s.failures, s.code, s.message, s.path, s.retry_at
      FROM device_policy s JOIN policy p ON p.name = s.policy AND p.version = s.version
     WHERE s.device = $1 ORDER BY s.policy
    """)

  /// $1: device.
  static let wakeup = Statement(
    "devices.wakeup", "SELECT next_try, tries, asked_at, failure FROM wakeup WHERE device = $1")

  /// Blocks that can hold anything at or below the path. $1: device, $2: path.
  static let blocks = Statement(
    "devices.blocks",
    "SELECT path, data FROM twin_block WHERE device = $1 AND (path ^@ $2 OR $2 ^@ path) ORDER BY path")

  /// $1: device, $2: tags.
  static let setTags = Statement(
    "devices.set_tags", "UPDATE device SET tags = $2 WHERE id = $1 RETURNING \(DeviceRecord.columns)")

  /// Policies are evaluated anew at the next Inform; a worker that evaluates them now sees `touched` go up. $1: device.
  static let touch = Statement(
    "devices.touch", "UPDATE device_contact SET touched = touched + 1, policy_epoch = 0 WHERE device = $1")

  /// Devices that came with the bootstrap credential though they have their own. $1: after, $2: how many.
  static let held = Statement(
    "devices.held",
    """
    SELECT c.device, coalesce(d.identity, ''), c.held_at, c.held_peer, c.held_count,
           CASE WHEN c.readmit_until > now() THEN c.readmit_until END
      FROM credential c LEFT JOIN device d ON d.id = c.device
     WHERE c.held_at IS NOT NULL AND c.device > $1 ORDER BY c.device LIMIT $2
    """)

  /// $1: device, $2: seconds.
  static let release = Statement(
    "devices.release",
    """
    UPDATE credential SET readmit_until = now() + make_interval(secs => $2::bigint), changed_at = now()
     WHERE device = $1
    RETURNING readmit_until
    """)

  /// Keeps tasks from being queued for a device that is about to go. $1: device.
  static let lock = Statement("devices.lock", "SELECT FROM device WHERE id = $1 FOR UPDATE")

  /// Whether the device is at work: its live tasks. $1: device.
  static let lockTasks = Statement(
    "devices.lock_tasks", "SELECT id, state FROM task WHERE device = $1 ORDER BY id FOR UPDATE")

  /// All that is known of a device, but its finished tasks and its events. $1: device.
  static let deletions: [Statement] = [
    "twin_block", "session", "wakeup", "device_policy", "campaign_device", "credential", "device_contact",
  ].map { Statement("devices.delete_\($0)", "DELETE FROM \($0) WHERE device = $1") }

  /// $1: device.
  static let delete = Statement("devices.delete", "DELETE FROM device WHERE id = $1")
}
