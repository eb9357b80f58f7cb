import PostgreSQL

/// The PostgreSQL log's SQL.
enum LogStatements {
  static let topics = Statement("log.topics", "SELECT topic, partitions, incarnation FROM log_topic")

  static let makeTopic = Statement(
    "log.make_topic", "INSERT INTO log_topic (topic, partitions) VALUES ($1, $2) ON CONFLICT DO NOTHING")

  static let grow = Statement(
    "log.grow", "UPDATE log_topic SET partitions = greatest(partitions, $2) WHERE topic = $1")

  static let makeHeads = Statement(
    "log.make_heads",
    """
    INSERT INTO log_head (topic, part, slot)
    SELECT t.topic, n, $2 FROM log_topic t, generate_series(0, t.partitions - 1) AS n WHERE t.topic = $1
    ON CONFLICT DO NOTHING
    """)

  static let probe = Statement("log.probe", "UPDATE log_topic SET generation = generation WHERE topic = 1")

  // MARK: - After a restore

  /// New names for all topics; the claims of `messages` move along, free.
  static let reincarnate = Statement(
    "log.reincarnate",
    """
    WITH old AS (SELECT topic, incarnation FROM log_topic),
    new AS (UPDATE log_topic SET incarnation = gen_random_uuid() RETURNING topic, incarnation),
    gone AS (
      DELETE FROM log_claim c USING old o WHERE o.topic = 1 AND c.log = 'messages/' || o.incarnation
      RETURNING c.part, c.next_offset, c.epoch)
    INSERT INTO log_claim (log, part, next_offset, epoch)
    SELECT 'messages/' || new.incarnation, gone.part, gone.next_offset, gone.epoch FROM gone, new WHERE new.topic = 1
    """)

  static let forgetMembers = Statement("log.forget_members", "DELETE FROM log_member")

  // MARK: - Appending

  /// Locks the heads of an append in order, so that appends never wait for each other in a ring. $1: topic, $2: parts.
  static let lock = Statement(
    "log.lock",
    "SELECT part FROM log_head WHERE topic = $1 AND part = ANY ($2::integer[]) ORDER BY part FOR NO KEY UPDATE")

  /// Makes room. $2, $3: parts and how many records each gets; returns the offset of the first.
  static let advance = Statement(
    "log.advance",
    """
    UPDATE log_head h SET next = h.next + w.count
      FROM unnest($2::integer[], $3::bigint[]) AS w(part, count)
     WHERE h.topic = $1 AND h.part = w.part
    RETURNING h.part, h.next - w.count
    """)

  /// Fills it. $2: each record's part, $3: how far it is from its partition's new end.
  static let append = Statement(
    "log.append",
    """
    INSERT INTO log_record (slot, topic, part, off, at, key, headers, value)
    SELECT h.slot, h.topic, h.part, h.next - r.distance, clock_timestamp(), r.key, r.headers, r.value
      FROM unnest($2::integer[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bytea[])
           AS r(part, distance, key, headers, value)
      JOIN log_head h ON h.topic = $1 AND h.part = r.part
    """)

  /// Need not survive a crash: its commit is not waited for.
  static let unhurried = Statement("log.unhurried", "SELECT set_config('synchronous_commit', 'off', true)")

  static let notify = Statement("log.notify", "SELECT pg_notify('carillon_log', $1)")

  // MARK: - Reading

  /// One statement a topic, with its slots as constants, so that the others' tables are not even planned for.
  private static func perTopic(_ name: String, _ sql: (_ slots: String) -> String) -> [Topic: Statement] {
    var statements: [Topic: Statement] = [:]
    for topic in Topic.allCases {
      let slots = (0..<LogSchema.slots).map { String(topic.firstSlot + $0) }.joined(separator: ", ")
      statements[topic] = Statement("\(name).\(topic)", sql(slots))
    }
    return statements
  }

  /// $1: topic, $2: part. The oldest offset that is there, or the end; the end.
  static func bounds(of topic: Topic) -> Statement { boundsByTopic[topic] ?? topics }
  private static let boundsByTopic = perTopic("log.bounds") { slots in
    """
    SELECT greatest(h.first, coalesce(
             (SELECT l.off FROM log_record l WHERE l.slot IN (\(slots)) AND l.topic = $1 AND l.part = $2
               ORDER BY l.off LIMIT 1), h.next)), h.next
      FROM log_head h WHERE h.topic = $1 AND h.part = $2
    """
  }

  /// $1: topic, $2, $3: parts and offsets, $4, $5: records and bytes at most from each. A row at least for each part,
  /// so that each is held against its head in the very snapshot in which its records were looked for.
  static func read(_ topic: Topic) -> Statement { readByTopic[topic] ?? topics }
  private static let readByTopic = perTopic("log.read") { slots in
    """
    SELECT h.part, h.first, h.next, r.off, r.at, r.key, r.headers, r.value
      FROM unnest($2::integer[], $3::bigint[]) AS a(part, off)
      JOIN log_head h ON h.topic = $1 AND h.part = a.part
      LEFT JOIN LATERAL (
        SELECT f.*, sum(octet_length(f.value)) OVER (ORDER BY f.off) - octet_length(f.value) AS before
          FROM (SELECT l.off, l.at, l.key, l.headers, l.value FROM log_record l
                 WHERE l.slot IN (\(slots)) AND l.topic = $1 AND l.part = a.part AND l.off >= a.off AND a.off < h.next
                 ORDER BY l.off LIMIT $4) AS f) AS r ON r.before < $5
     ORDER BY h.part, r.off
    """
  }

  // MARK: - Dropping

  /// One process at a time drops. $1: topic.
  static let retentionLock = Statement("log.retention_lock", "SELECT pg_try_advisory_xact_lock(716534531, $1::integer)")

  /// $1: topic, $2: its first slot, $3: its last. Where appends go, and for each slot and partition that has records
  /// the first and last offsets and their ages in seconds.
  static let slots = Statement(
    "log.slots",
    """
    SELECT s.slot, h.slot, h.part, f.off, l.off, extract(epoch FROM clock_timestamp() - f.at)::float8,
           extract(epoch FROM clock_timestamp() - l.at)::float8
      FROM log_head h CROSS JOIN generate_series($2::integer, $3::integer) AS s(slot)
      LEFT JOIN LATERAL (SELECT r.off, r.at FROM log_record r
                          WHERE r.slot = s.slot AND r.topic = $1 AND r.part = h.part ORDER BY r.off LIMIT 1) AS f
             ON true
      LEFT JOIN LATERAL (SELECT r.off, r.at FROM log_record r
                          WHERE r.slot = s.slot AND r.topic = $1 AND r.part = h.part ORDER BY r.off DESC LIMIT 1) AS l
             ON true
     WHERE h.topic = $1
     ORDER BY s.slot, h.part
    """)

  /// How far the workers are with each partition of `messages`.
  static let folded = Statement(
    "log.folded",
    """
    SELECT c.part, c.next_offset FROM log_claim c JOIN log_topic t ON c.log = 'messages/' || t.incarnation
     WHERE t.topic = $1
    """)

  static let lockAll = Statement(
    "log.lock_all", "SELECT part FROM log_head WHERE topic = $1 ORDER BY part FOR NO KEY UPDATE")

  static let rotate = Statement("log.rotate", "UPDATE log_head SET slot = $2 WHERE topic = $1")

  /// A reader that is slow must not stop appends: who waits for the table's lock holds up all who come after.
  static let soon = Statement("log.soon", "SELECT set_config('lock_timeout', '200ms', true)")

  static func drop(_ slot: Int16) -> Statement { dropBySlot[slot] ?? topics }
  private static let dropBySlot: [Int16: Statement] = {
    var statements: [Int16: Statement] = [:]
    for topic in Topic.allCases {
      for slot in topic.firstSlot..<topic.firstSlot + LogSchema.slots {
        statements[slot] = Statement("log.drop.\(slot)", "TRUNCATE log_record_\(slot)")
      }
    }
    return statements
  }()

  /// $2, $3: parts and the first offsets that are left.
  static let dropped = Statement(
    "log.dropped",
    """
    UPDATE log_head h SET first = greatest(h.first, w.first)
      FROM unnest($2::integer[], $3::bigint[]) AS w(part, first) WHERE h.topic = $1 AND h.part = w.part
    """)
}
