import PostgreSQL

/// The API's SQL of campaigns; the scheduler carries them out.
enum CampaignStatements {
  static let columns =
    "id, name, image, filter, rate_per_minute, concurrency, state, planned, version, created_at, changed_at"

  /// $1: id, $2: name, $3: image, $4: filter, $5: a minute, $6: at once, $7: state.
  static let insert = Statement(
    "campaigns.insert",
    """
    INSERT INTO campaign (id, name, image, filter, rate_per_minute, concurrency, state, allowance_at, created_at,
                          changed_at)
    VALUES ($1, $2, $3, $4::text::json, $5, $6, $7, now(), now(), now())
    """)

  /// $1: before this id, $2: how many.
  static let list = Statement(
    "campaigns.list", "SELECT \(columns) FROM campaign WHERE id < $1 ORDER BY id DESC LIMIT $2")

  /// $1: id.
  static let find = Statement("campaigns.find", "SELECT \(columns) FROM campaign WHERE id = $1")

  /// $1: name.
  static let findByName = Statement("campaigns.find_by_name", "SELECT \(columns) FROM campaign WHERE name = $1")

  /// $1: id.
  static let counts = Statement(
    "campaigns.counts", "SELECT state, count(*) FROM campaign_device WHERE campaign = $1 GROUP BY state")

  /// $1: id, $2: the new state, $3: states it may follow. The allowance begins anew, so that a pause saves none up.
  static let turn = Statement(
    "campaigns.turn",
    """
    UPDATE campaign SET state = $2, version = version + 1, allowance = 0, allowance_at = now(), changed_at = now()
     WHERE id = $1 AND state = ANY ($3::smallint[])
    """)

  /// $1: id, $2: after, $3: how many, $4: states.
  static let devices = Statement(
    "campaigns.devices",
    """
    SELECT c.device, coalesce(d.identity, ''), c.state, c.task, c.detail, c.changed_at
      FROM campaign_device c LEFT JOIN device d ON d.id = c.device
     WHERE c.campaign = $1 AND c.device > $2 AND c.state = ANY ($4::smallint[]) ORDER BY c.device LIMIT $3
    """)

  static let now = Statement("campaigns.now", "SELECT now()")
}
