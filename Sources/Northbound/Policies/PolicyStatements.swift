import PostgreSQL

/// The API's SQL of policies.
enum PolicyStatements {
  static let columns = "name, version, enabled, document, changed_at, changed_by"

  /// One writer of policies at a time; workers read the epoch without waiting for it.
  static let lock = Statement("policies.lock", "SELECT policy_epoch FROM cluster_state FOR UPDATE")

  /// Every device's policies are evaluated anew at its next Inform.
  static let turn = Statement("policies.turn", "UPDATE cluster_state SET policy_epoch = policy_epoch + 1")

  static let list = Statement("policies.list", "SELECT \(columns) FROM policy ORDER BY name")

  /// $1: name.
  static let find = Statement("policies.find", "SELECT \(columns) FROM policy WHERE name = $1")

  /// Versions are never used twice, also when a policy was deleted and comes again: a ParameterKey tells of name and
  /// version. $1: name.
  static let nextVersion = Statement(
    "policies.next_version", "SELECT coalesce(max(version), 0) + 1 FROM policy_version WHERE name = $1")

  /// $1: name, $2: version, $3: document, $4: whose token.
  static let put = Statement(
    "policies.put",
    """
    INSERT INTO policy (name, version, document, changed_at, changed_by) VALUES ($1, $2, $3, now(), $4)
    ON CONFLICT (name) DO UPDATE SET version = EXCLUDED.version, document = EXCLUDED.document,
      changed_at = EXCLUDED.changed_at, changed_by = EXCLUDED.changed_by
    """)

  /// $1: name, $2: version, $3: document, $4: whose token.
  static let putVersion = Statement(
    "policies.put_version",
    """
    INSERT INTO policy_version (name, version, document, created_at, created_by) VALUES ($1, $2, $3, now(), $4)
    """)

  /// $1: name, $2: whether it is in force, $3: whose token.
  static let enable = Statement(
    "policies.enable", "UPDATE policy SET enabled = $2, changed_at = now(), changed_by = $3 WHERE name = $1")

  /// $1: name.
  static let delete = Statement("policies.delete", "DELETE FROM policy WHERE name = $1")

  /// $1: name.
  static let versions = Statement(
    "policies.versions",
    "SELECT version, document, created_at, created_by FROM policy_version WHERE name = $1 ORDER BY version DESC")
}
