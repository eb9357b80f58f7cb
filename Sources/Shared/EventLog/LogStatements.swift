import PostgreSQL

/// The PostgreSQL log's SQL.
enum LogStatements {
  static let topics = Statement("log.topics", "SELECT topic, partitions, incarnation FROM log_topic")

  static let makeTopic = Statement(
    "log.make_topic", "INSERT INTO log_topic (topic, partitions) VALUES ($1, $2) ON CONFLICT DO NOTHING")

  static let makeHeads = Statement(
    "log.make_heads",
    """
    INSERT INTO log_head (topic, part, slot)
    SELECT t.topic, n, $2 FROM log_topic t, generate_series(0, t.partitions - 1) AS n WHERE t.topic = $1
    ON CONFLICT DO NOTHING
    """)

  /// $1: topic, $2: parts.
  static let heads = Statement(
    "log.heads", "SELECT part, first, next FROM log_head WHERE topic = $1 AND part = ANY ($2::integer[])")

  static let truncate = Statement(
    "log.truncate",
    "UPDATE log_head SET first = least(greatest(first, $3), next) WHERE topic = $1 AND part = $2")

  static let probe = Statement("log.probe", "UPDATE log_topic SET generation = generation WHERE topic = 1")

  /// Locks the heads of an append in order, so that appends never wait for each other in a ring.
  static let lock = Statement(
    "log.lock",
    """
    SELECT part FROM log_head WHERE topic = $1 AND part = ANY ($2::integer[]) ORDER BY part FOR NO KEY UPDATE
    """)

  /// Need not survive a crash: its commit is not waited for.
  static let unhurried = Statement("log.unhurried", "SELECT set_config('synchronous_commit', 'off', true)")

  /// A whole batch of one topic: each record's offset is its head's old end and its place among its partition's.
  static let append = Statement(
    "log.append",
    """
    WITH r AS (
      SELECT * FROM unnest($2::integer[], $3::bytea[], $4::bytea[], $5::bytea[])
        WITH ORDINALITY AS r(part, key, headers, value, n)),
    heads AS (
      UPDATE log_head h SET next = h.next + k.count
        FROM (SELECT part, count(*) AS count FROM r GROUP BY part) AS k
       WHERE h.topic = $1 AND h.part = k.part
      RETURNING h.part, h.slot, h.next - k.count AS base),
    records AS (
      INSERT INTO log_record (slot, topic, part, off, at, key, headers, value)
      SELECT h.slot, $1, r.part, h.base + row_number() OVER (PARTITION BY r.part ORDER BY r.n) - 1, clock_timestamp(),
             r.key, r.headers, r.value
        FROM r JOIN heads h ON h.part = r.part)
    SELECT part, base FROM heads
    """)

  /// A hint to other processes, in a transaction of its own: NOTIFY serialises commits.
  static let notify = Statement("log.notify", "SELECT pg_notify('carillon_log', '')")

  /// $1: topic, $2, $3: parts and offsets, $4: records, $5: bytes for each partition, $6, $7: the topic's slots.
  static let read = Statement(
    "log.read",
    """
    SELECT r.part, r.off, r.at, r.key, r.headers, r.value
      FROM unnest($2::integer[], $3::bigint[]) AS a(part, off)
     CROSS JOIN LATERAL (
       SELECT f.*, sum(octet_length(f.value)) OVER (ORDER BY f.off) - octet_length(f.value) AS before
         FROM (SELECT l.* FROM log_record l
                WHERE l.slot BETWEEN $6 AND $7 AND l.topic = $1 AND l.part = a.part AND l.off >= a.off
                ORDER BY l.off LIMIT $4) AS f) AS r
     WHERE r.before < $5
     ORDER BY r.part, r.off
    """)
}
