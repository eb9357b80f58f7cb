public import PostgreSQL

/// The log's own tables: claims for both logs, records for the PostgreSQL log (docs/architecture.md, sections 3 and 7).
public enum LogSchema {
  /// How many slots a topic of the PostgreSQL log rotates through; each is a table of its own that is truncated as a
  /// whole.
  static let slots: Int16 = 4

  /// The log's migration; the fleet's follow it.
  public static let migration = Migration(number: 1, name: "event log", sql: sql)

  private static let sql =
    """
    CREATE TABLE log_topic (
      topic smallint PRIMARY KEY,
      incarnation uuid NOT NULL DEFAULT gen_random_uuid(),  -- names this log for ever; event ids are made from it
      generation integer NOT NULL DEFAULT 1,                -- part of the name at a broker and of the claims' key
      partitions integer NOT NULL
    );

    CREATE TABLE log_claim (
      log text NOT NULL,                       -- topic and generation, or 'outbox'
      part integer NOT NULL,
      next_offset bigint NOT NULL DEFAULT 0,
      epoch bigint NOT NULL DEFAULT 0,         -- goes up with each new owner: the fence
      owner uuid,
      lease_until timestamptz NOT NULL DEFAULT '-infinity',
      starts integer NOT NULL DEFAULT 0,       -- how often it was taken over since it last moved
      PRIMARY KEY (log, part)
    ) WITH (fillfactor = 10);

    CREATE TABLE log_member (
      log text NOT NULL,
      id uuid NOT NULL,
      live_until timestamptz NOT NULL,
      PRIMARY KEY (log, id)
    );

    -- Offsets come from a row that stays locked until its append commits: what can be read is a prefix without gaps.
    CREATE TABLE log_head (
      topic smallint NOT NULL,
      part integer NOT NULL,
      slot smallint NOT NULL,
      next bigint NOT NULL DEFAULT 0,
      first bigint NOT NULL DEFAULT 0,         -- the oldest offset that can still be read
      PRIMARY KEY (topic, part)
    ) WITH (fillfactor = 10);

    CREATE TABLE log_record (
      slot smallint NOT NULL,
      topic smallint NOT NULL,
      part integer NOT NULL,
      off bigint NOT NULL,
      at timestamptz NOT NULL,
      key bytea NOT NULL,
      headers bytea NOT NULL,
      value bytea COMPRESSION lz4 NOT NULL
    ) PARTITION BY LIST (slot);
    """
    + tables

  /// One table a slot: slot = topic × 4 + n. Those of the reply topic are not logged: they need not survive a crash.
  private static var tables: String {
    Topic.allCases.map { topic in
      (0..<slots).map { n in
        let slot = topic.rawValue * slots + n
        let kind = topic.isTransient ? "UNLOGGED TABLE" : "TABLE"
        return """

          CREATE \(kind) log_record_\(slot) PARTITION OF log_record FOR VALUES IN (\(slot))
            WITH (autovacuum_vacuum_insert_threshold = -1, toast_tuple_target = 4080);
          CREATE INDEX log_record_\(slot)_off ON log_record_\(slot) (topic, part, off);
          """
      }.joined()
    }.joined()
  }
}
