import EventLog
public import PostgreSQL

/// The fleet's tables (docs/architecture.md, sections 3 to 5). Migration 1, the log's own tables, stands in `EventLog`.
///
/// Migrations go forward only, and within a major version only add: an instance of the version before must be able to
/// live with what the newer one made.
public enum FleetSchema {
  /// The last migration of the first release. ``AdditiveCheck`` holds all that follow to what is said above.
  public static let baseline: Int32 = 2

  /// Tables with few rows, which a migration may lock for as long as an index over them takes.
  public static let smallTables: Set<String> = [
    "api_token", "campaign", "cluster_state", "firmware_image", "log_topic", "policy", "policy_version",
    "wakeup",  // seconds, where a whole fleet waits to be woken
  ]

  /// The migrations of the fleet, in order.
  public static let migrations: [Migration] = [
    Migration(number: 2, name: "fleet", sql: fleet), PartitionRanges.migration,
    Migration(number: 4, name: "answers without ID", sql: "ALTER TABLE session ADD COLUMN unnamed_answers bytea"),
    Migration(number: 5, name: "due wake-ups", sql: "CREATE INDEX wakeup_next_try ON wakeup (next_try)"),
  ]

  // Hot statements name the device, and every table of a device leads with it, so that the schema distributes by it
  // (Citus) unchanged. A device's columns that change with every Inform stand alone in device_contact: an index on one
  // of them would turn each HOT update into a cold one.
  private static let fleet = """
    CREATE TABLE cluster_state (
      one boolean PRIMARY KEY DEFAULT true CHECK (one),
      policy_epoch bigint NOT NULL DEFAULT 1,     -- goes up with every change of any policy
      restore_count integer NOT NULL DEFAULT 0    -- goes up with `migrate --restored`; part of event ids
    );
    INSERT INTO cluster_state DEFAULT VALUES;

    CREATE TABLE device (
      id uuid PRIMARY KEY,                        -- UUIDv5 of identity
      identity text NOT NULL,                     -- OUI-ProductClass-SerialNumber, escaped
      manufacturer text NOT NULL,
      oui text NOT NULL,
      product_class text NOT NULL,
      serial_number text NOT NULL,
      root text NOT NULL DEFAULT '',              -- 'Device.' or 'InternetGatewayDevice.'
      software_version text NOT NULL DEFAULT '',
      hardware_version text NOT NULL DEFAULT '',
      provisioning_code text NOT NULL DEFAULT '',
      connection_request_url text NOT NULL DEFAULT '',
      peer text NOT NULL DEFAULT '',              -- where the last Inform came from; the only place we connect to
      tags text[] NOT NULL DEFAULT '{}',
      dialect integer NOT NULL DEFAULT 0,         -- what to spare this CPE when we write to it
      methods text[] NOT NULL DEFAULT '{}',       -- of its last GetRPCMethodsResponse; empty: not asked
      created_at timestamptz NOT NULL,
      seen_at timestamptz NOT NULL                -- last contact, refreshed hourly: what fleets are searched by
    ) WITH (fillfactor = 90);
    CREATE UNIQUE INDEX device_identity ON device (identity text_pattern_ops);
    CREATE INDEX device_serial_number ON device (serial_number text_pattern_ops);
    CREATE INDEX device_model ON device (oui, product_class, software_version);
    CREATE INDEX device_tags ON device USING gin (tags);
    CREATE INDEX device_seen_at ON device (seen_at);

    CREATE TABLE device_contact (
      device uuid PRIMARY KEY,
      last_inform timestamptz NOT NULL,
      session uuid NOT NULL,                      -- the present session: the last Inform's
      digest bytea,                               -- of the last Inform's contents; null: fold the next one whole
      events_hash bigint NOT NULL DEFAULT 0,      -- of its events: tells an Inform that was merely tried again
      posted boolean NOT NULL DEFAULT false,      -- whether a POST followed it
      policy_epoch bigint NOT NULL DEFAULT 0,     -- policies last evaluated; 0: evaluate
      next_due timestamptz NOT NULL DEFAULT 'infinity',  -- when a refresh or a back-off next asks
      event_seq bigint NOT NULL DEFAULT 0,        -- of the device's last northbound event
      touched integer NOT NULL DEFAULT 0          -- goes up when somebody else changes what policies see
    ) WITH (fillfactor = 60);

    CREATE TABLE twin_block (
      device uuid NOT NULL,
      path text NOT NULL,                         -- the object subtree
      data bytea NOT NULL,
      PRIMARY KEY (device, path)
    ) WITH (fillfactor = 80);

    CREATE TABLE credential (
      device uuid PRIMARY KEY,
      username text NOT NULL,                     -- ManagementServer.Username
      secret bytea,                               -- sealed ManagementServer.Password; null: bootstrap still stands
      pending_secret bytea,                       -- sealed; becomes secret when the device first uses it
      request_username text NOT NULL DEFAULT '',  -- ManagementServer.ConnectionRequestUsername
      request_secret bytea,                       -- sealed
      pending_request_secret bytea,
      readmit_until timestamptz,                  -- bootstrap is accepted again until then
      held_at timestamptz,                        -- came with bootstrap though it has its own
      held_peer text NOT NULL DEFAULT '',
      held_count bigint NOT NULL DEFAULT 0,
      changed_at timestamptz NOT NULL
    );
    CREATE UNIQUE INDEX credential_username ON credential (username);
    CREATE INDEX credential_held ON credential (held_at) WHERE held_at IS NOT NULL;

    CREATE TABLE session (
      device uuid PRIMARY KEY,
      id uuid NOT NULL,
      namespace smallint NOT NULL,
      events text[] NOT NULL,                     -- of its Inform: what policies' `on` looks at
      authentication smallint NOT NULL,
      announced smallint NOT NULL DEFAULT 0,      -- CPE requests its Inform announced and that have not come
      rounds smallint NOT NULL DEFAULT 0,
      rpcs smallint NOT NULL DEFAULT 0,
      task uuid,                                  -- outstanding: what was sent and not answered
      attempt integer NOT NULL DEFAULT 0,
      post bytea,
      rebound boolean NOT NULL DEFAULT false,
      dead_post bytea,                            -- the last POST that its gateway gave up
      last_post_at timestamptz NOT NULL,
      lost_after interval NOT NULL,
      ended boolean NOT NULL DEFAULT false,
      state bytea                                 -- what the fold keeps from round to round
    ) WITH (fillfactor = 60);
    CREATE INDEX session_last_post ON session (last_post_at);

    CREATE TABLE task (
      id uuid PRIMARY KEY,
      device uuid NOT NULL,
      method text NOT NULL,
      arguments json NOT NULL,                    -- frozen when queued
      state smallint NOT NULL,
      once boolean NOT NULL,
      retries_on_doubt boolean NOT NULL DEFAULT false,
      priority smallint NOT NULL DEFAULT 0,
      origin smallint NOT NULL,
      origin_name text NOT NULL DEFAULT '',       -- the policy, campaign or API token it came from
      idempotency_key text,
      depends_on uuid,
      attempt integer NOT NULL DEFAULT 0,
      lost integer NOT NULL DEFAULT 0,            -- attempts that were lost or rebound
      maximum_attempts integer NOT NULL,
      session uuid,                               -- of the present attempt
      post bytea,
      dispatched_at timestamptz,
      not_before timestamptz NOT NULL,
      deadline timestamptz NOT NULL,
      evidence bytea,                             -- read with the dispatch, compared later
      result json,
      fault json,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL,
      changed_at timestamptz NOT NULL
    ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
    CREATE INDEX task_device ON task (device, id);
    CREATE UNIQUE INDEX task_idempotency ON task (device, idempotency_key) WHERE idempotency_key IS NOT NULL;
    CREATE INDEX task_deadline ON task (deadline);
    CREATE INDEX task_origin ON task (origin_name, device) WHERE origin = 3;

    CREATE TABLE task_history (
      id uuid NOT NULL,
      device uuid NOT NULL,
      method text NOT NULL,
      arguments json NOT NULL,
      state smallint NOT NULL,
      once boolean NOT NULL,
      priority smallint NOT NULL,
      origin smallint NOT NULL,
      origin_name text NOT NULL,
      idempotency_key text,
      attempt integer NOT NULL,
      lost integer NOT NULL,
      result json,
      fault json,
      version integer NOT NULL,
      created_at timestamptz NOT NULL,
      dispatched_at timestamptz,
      finished_at timestamptz NOT NULL
    ) PARTITION BY RANGE (finished_at);
    CREATE TABLE task_history_default PARTITION OF task_history DEFAULT;
    CREATE INDEX task_history_id ON task_history (id);
    CREATE INDEX task_history_device ON task_history (device, finished_at DESC);

    CREATE TABLE wakeup (
      device uuid PRIMARY KEY,
      next_try timestamptz NOT NULL,
      tries integer NOT NULL DEFAULT 0,
      asked_at timestamptz,                       -- the last connection request that the CPE took
      failure text NOT NULL DEFAULT ''
    ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);

    CREATE TABLE policy (
      name text PRIMARY KEY,
      version integer NOT NULL,
      enabled boolean NOT NULL DEFAULT true,
      document text NOT NULL,
      changed_at timestamptz NOT NULL,
      changed_by text NOT NULL
    );
    CREATE TABLE policy_version (
      name text NOT NULL,
      version integer NOT NULL,
      document text NOT NULL,
      created_at timestamptz NOT NULL,
      created_by text NOT NULL,
      PRIMARY KEY (name, version)
    );
    CREATE TABLE device_policy (
      device uuid NOT NULL,
      policy text NOT NULL,
      version integer NOT NULL,
      failures integer NOT NULL,
      code integer,                               -- the CPE's fault; null: it accepts the value and reports another
      message text NOT NULL DEFAULT '',
      path text NOT NULL DEFAULT '',              -- the parameter at fault
      retry_at timestamptz NOT NULL,
      PRIMARY KEY (device, policy)
    );

    CREATE TABLE firmware_image (
      name text PRIMARY KEY,
      vendor text NOT NULL,
      models text[] NOT NULL,
      version text NOT NULL,
      file text NOT NULL,
      size bigint NOT NULL,
      sha256 bytea NOT NULL,
      created_at timestamptz NOT NULL
    );
    CREATE TABLE campaign (
      id uuid PRIMARY KEY,
      name text NOT NULL UNIQUE,
      image text NOT NULL REFERENCES firmware_image,
      filter json NOT NULL,
      rate_per_minute integer NOT NULL,
      concurrency integer NOT NULL,
      state smallint NOT NULL,
      planned boolean NOT NULL DEFAULT false,
      planned_to uuid,                            -- how far through the devices planning has come
      allowance double precision NOT NULL DEFAULT 0,
      allowance_at timestamptz NOT NULL,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL,
      changed_at timestamptz NOT NULL
    );
    CREATE TABLE campaign_device (
      campaign uuid NOT NULL REFERENCES campaign ON DELETE CASCADE,
      device uuid NOT NULL,
      state smallint NOT NULL,
      task uuid,
      detail text NOT NULL DEFAULT '',
      changed_at timestamptz NOT NULL,
      PRIMARY KEY (campaign, device)
    );
    CREATE INDEX campaign_device_state ON campaign_device (campaign, state, device);
    CREATE INDEX campaign_device_device ON campaign_device (device);

    CREATE TABLE outbox (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      lane smallint NOT NULL,                     -- hash of the device, so that lanes can be relayed side by side
      device uuid NOT NULL,
      seq bigint NOT NULL,                        -- of the device
      topic smallint NOT NULL,
      headers bytea NOT NULL,
      value bytea NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0.01);
    CREATE INDEX outbox_lane ON outbox (lane, device, seq);

    CREATE TABLE api_token (
      name text PRIMARY KEY,
      hash bytea NOT NULL UNIQUE,                 -- SHA-256 of the token
      created_at timestamptz NOT NULL,
      expires_at timestamptz
    );
    """
}
