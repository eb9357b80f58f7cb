import PostgreSQL

/// The SQL of campaigns. Raw values of states are ``Fleet/Campaign``'s: a campaign's 1 running, 2 paused, 3 cancelled,
/// 4 completed; a device's 1 waiting, 2 under way, 10 succeeded, 11 failed, 12 skipped, 13 cancelled.
enum CampaignStatements {
  /// How many devices a cancelled campaign ends in one round.
  static let cancelStep = 500

  /// Campaigns with something left to do: a cancelled one is done when none of its devices is open.
  static let open = Statement(
    "campaigns.open",
    """
    SELECT id FROM campaign c
     WHERE state IN (1, 2)
        OR state = 3 AND EXISTS (SELECT FROM campaign_device d WHERE d.campaign = c.id AND d.state IN (1, 2))
     ORDER BY id
    """)

  /// $1: campaign.
  static let lock = Statement(
    "campaigns.lock",
    """
    SELECT c.name, c.state, c.filter::text, c.planned, c.rate_per_minute, c.concurrency, c.allowance,
           (extract(epoch FROM now() - c.allowance_at) * 1000000)::bigint,
           (SELECT count(*) FROM campaign_device d WHERE d.campaign = c.id AND d.state = 2),
           now(), i.version, i.vendor, i.models, i.file, i.size, c.planned_to
      FROM campaign c JOIN firmware_image i ON i.name = c.image
     WHERE c.id = $1 AND c.state IN (1, 2, 3) FOR UPDATE OF c SKIP LOCKED
    """)

  /// Looks at the next 2,000 devices and takes in those that the image and the filter match; those on the version
  /// already are skipped. $1: campaign, $2: planned so far, $3: version, $4: vendor, $5: models, $6: filter.
  static let plan = Statement(
    "campaigns.plan",
    """
    WITH looked AS (
      SELECT d.* FROM device d WHERE d.id > $2 ORDER BY d.id LIMIT 2000),
    wanted AS (
      SELECT l.id, l.software_version FROM looked l, (SELECT $6::text::jsonb AS f) AS x
       WHERE ($4::text = '' OR l.manufacturer = $4) AND (cardinality($5::text[]) = 0 OR l.product_class = ANY ($5))
         AND (f->'oui' IS NULL OR f->'oui' ? l.oui)
         AND (f->'product_class' IS NULL OR f->'product_class' ? l.product_class)
         AND (f->'software_version' IS NULL OR f->'software_version' ? l.software_version)
         AND (f->'hardware_version' IS NULL OR f->'hardware_version' ? l.hardware_version)
         AND (f->'tags' IS NULL OR to_jsonb(l.tags) @> (f->'tags'))
         AND (f->'devices' IS NULL OR f->'devices' ? l.id::text)),
    taken AS (
      INSERT INTO campaign_device (campaign, device, state, changed_at)
      SELECT $1, id, CASE WHEN software_version = $3 THEN 12 ELSE 1 END, now() FROM wanted
      ON CONFLICT DO NOTHING RETURNING 1),
    moved AS (
      UPDATE campaign SET planned = (SELECT count(*) < 2000 FROM looked),
                          planned_to = coalesce((SELECT id FROM looked ORDER BY id DESC LIMIT 1), planned_to),
                          changed_at = now()
       WHERE id = $1 RETURNING NOT planned AS more)
    SELECT more, (SELECT count(*) FROM taken) FROM moved
    """)

  /// The next waiting devices; those that have come to the version meanwhile are skipped and told by true.
  /// $1: campaign, $2: how many, $3: version.
  static let take = Statement(
    "campaigns.take",
    """
    WITH next AS (
      SELECT device FROM campaign_device WHERE campaign = $1 AND state = 1 ORDER BY device LIMIT $2
         FOR UPDATE SKIP LOCKED),
    judged AS (
      SELECT n.device, coalesce(d.software_version = $3, false) AS there
        FROM next n LEFT JOIN device d ON d.id = n.device),
    skipped AS (
      UPDATE campaign_device c SET state = 12, changed_at = now()
        FROM judged j WHERE c.campaign = $1 AND c.device = j.device AND j.there)
    SELECT device, there FROM judged ORDER BY device
    """)

  /// $1: campaign, $2: devices, $3: their tasks.
  static let begin = Statement(
    "campaigns.begin",
    """
    UPDATE campaign_device c SET state = 2, task = w.task, changed_at = now()
      FROM unnest($2::uuid[], $3::uuid[]) AS w(device, task)
     WHERE c.campaign = $1 AND c.device = w.device
    """)

  /// $1: campaign, $2: tokens left.
  static let keepPace = Statement(
    "campaigns.keep_pace", "UPDATE campaign SET allowance = $2, allowance_at = now() WHERE id = $1")

  /// Whoever reports the version has succeeded, whatever its task says. $1: campaign, $2: version.
  static let succeed = Statement(
    "campaigns.succeed",
    """
    UPDATE campaign_device c SET state = 10, detail = '', changed_at = now()
      FROM device d
     WHERE c.campaign = $1 AND c.state = 2 AND d.id = c.device AND d.software_version = $2
    """)

  /// Tasks that ended without the version being there: at once where they failed, after a while where they ended well.
  /// $1: campaign, $2: version, $3: seconds.
  static let fail = Statement(
    "campaigns.fail",
    """
    UPDATE campaign_device c
       SET state = CASE WHEN h.state = 12 THEN 13 ELSE 11 END, changed_at = now(),
           detail = CASE WHEN h.state = 10 THEN 'downloaded, but the device reports another version than ' || $2
                         ELSE coalesce(h.fault->>'message', 'the download did not succeed') END
      FROM task_history h
     WHERE c.campaign = $1 AND c.state = 2 AND h.id = c.task
       AND (h.state <> 10 OR h.finished_at < now() - make_interval(secs => $3))
    """)

  /// $1: campaign.
  static let cancelWaiting = Statement(
    "campaigns.cancel_waiting",
    """
    UPDATE campaign_device c SET state = 13, changed_at = now()
      FROM (SELECT device FROM campaign_device WHERE campaign = $1 AND state = 1 LIMIT 500 FOR UPDATE SKIP LOCKED) AS w
     WHERE c.campaign = $1 AND c.device = w.device
    """)

  /// $1: campaign.
  static let queued = Statement(
    "campaigns.queued",
    """
    SELECT t.id FROM campaign_device c JOIN task t ON t.id = c.task
     WHERE c.campaign = $1 AND c.state = 2 AND t.state = 1 ORDER BY t.id LIMIT 500 FOR UPDATE OF t SKIP LOCKED
    """)

  /// $1: campaign.
  static let complete = Statement(
    "campaigns.complete",
    """
    UPDATE campaign c SET state = 4, version = version + 1, changed_at = now()
     WHERE id = $1 AND state = 1 AND planned
       AND NOT EXISTS (SELECT FROM campaign_device d WHERE d.campaign = c.id AND d.state IN (1, 2))
    """)
}
