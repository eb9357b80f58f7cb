import EventLog
import Fleet
import Testing

@testable import PostgreSQL

@Suite("Migrations only add within a major version")
struct AdditiveCheckTests {
  @Test("those since the first release are such that an instance of the version before lives on beside them")
  func ours() {
    let all = [LogSchema.migration] + FleetSchema.migrations
    #expect(all.contains { $0.number == FleetSchema.baseline })
    for migration in all where migration.number > FleetSchema.baseline {
      #expect(AdditiveCheck.problems(in: migration, smallTables: FleetSchema.smallTables) == [])
    }
  }

  @Test(
    "what only adds is taken",
    arguments: [
      "CREATE TABLE note (device uuid PRIMARY KEY, text text NOT NULL); CREATE UNIQUE INDEX note_text ON note (text);",
      "CREATE TABLE a (b int); CREATE TABLE c (d int REFERENCES a)",
      "ALTER TABLE device ADD COLUMN colour text",
      "ALTER TABLE device ADD COLUMN colour text NOT NULL DEFAULT 'a''b; DROP TABLE device', ADD size numeric(4, 2)",
      "ALTER TABLE device ADD COLUMN IF NOT EXISTS born timestamptz NOT NULL DEFAULT now()",
      "ALTER TABLE public.task SET (fillfactor = 60)",
      "CREATE INDEX campaign_image ON campaign (image)",
      "INSERT INTO cluster_state DEFAULT VALUES; COMMENT ON TABLE device IS 'ours'",
      "/* DROP TABLE device; */ CREATE TYPE mood AS ENUM ('good')",
      "ALTER TABLE device ALTER COLUMN root SET DEFAULT 'Device.'",
      "ALTER TABLE device ADD COLUMN a text[] NOT NULL DEFAULT '{}'::text[], ADD b numeric(4, 2) DEFAULT -1.5 NOT NULL",
      "ALTER TABLE device ADD COLUMN rate double precision DEFAULT 0, ADD COLUMN is_new boolean NOT NULL DEFAULT true",
    ])
  func additive(_ sql: String) {
    let migration = Migration(number: 9, name: "test", sql: sql)
    #expect(AdditiveCheck.problems(in: migration, smallTables: ["campaign", "cluster_state"]) == [])
  }

  @Test(
    "what the version before could not live with is refused, and told why",
    arguments: [
      ("DROP TABLE wakeup", "may use what is dropped"),
      ("drop index device_tags", "may use what is dropped"),
      ("ALTER TABLE device DROP COLUMN tags", "may use what is dropped"),
      ("ALTER TABLE device ADD a int, DROP COLUMN tags", "may use what is dropped"),
      ("ALTER TABLE device RENAME COLUMN tags TO labels", "knows the old name only"),
      ("ALTER TABLE device RENAME TO cpe", "knows the old name only"),
      ("ALTER TABLE device ADD COLUMN colour text NOT NULL", "NOT NULL needs a default"),
      ("ALTER TABLE device ADD COLUMN token uuid DEFAULT gen_random_uuid()", "rewrites device"),
      ("ALTER TABLE device ADD COLUMN token uuid DEFAULT (gen_random_uuid())", "rewrites device"),
      ("ALTER TABLE device ADD COLUMN token uuid DEFAULT pg_catalog.gen_random_uuid()", "rewrites device"),
      ("ALTER TABLE device ADD COLUMN born timestamptz DEFAULT now() - interval '1 day'", "rewrites device"),
      ("ALTER TABLE device ADD COLUMN colour text NOT NULL DEFAULT NULL", "NOT NULL needs a default"),
      ("ALTER TABLE device ADD COLUMN mail address", "a type that may have constraints"),
      ("ALTER TABLE device ADD COLUMN n bigserial", "rewrites device"),
      ("ALTER TABLE device ADD COLUMN n int GENERATED ALWAYS AS (1) STORED", "rewrites device"),
      ("ALTER TABLE device ADD COLUMN n int CHECK (n > 0)", "for every row of device"),
      ("ALTER TABLE device ADD COLUMN c uuid REFERENCES campaign", "for every row of device"),
      ("ALTER TABLE device ALTER COLUMN dialect TYPE smallint", "reads the old one"),
      ("ALTER TABLE device ALTER dialect SET DATA TYPE bigint USING dialect", "reads the old one"),
      ("ALTER TABLE device ALTER COLUMN peer SET NOT NULL", "may write no peer"),
      ("ALTER TABLE device ALTER COLUMN peer DROP NOT NULL", "cannot read a row without peer"),
      ("ALTER TABLE device ALTER COLUMN peer DROP DEFAULT", "may write rows without peer"),
      ("ALTER TABLE device ADD CONSTRAINT long CHECK (length(peer) > 3)", "may write what it refuses"),
      ("ALTER TABLE device ADD CONSTRAINT long CHECK (length(peer) > 3) NOT VALID", "NOT VALID only spares"),
      ("ALTER TABLE device ADD UNIQUE (peer)", "may write what it refuses"),
      ("CREATE UNIQUE INDEX device_peer ON device (peer)", "not unique in device"),
      ("CREATE INDEX device_peer ON device (peer)", "nobody can write to device"),
      ("CREATE INDEX CONCURRENTLY device_peer ON device (peer)", "cannot run in a transaction"),
      ("CREATE TABLE note (device uuid REFERENCES device)", "without knowing who refers to it"),
      ("CREATE TABLE log_record_99 PARTITION OF log_record FOR VALUES IN (99)", "locks log_record"),
      ("UPDATE device SET peer = ''", "do it in a role"),
      ("DELETE FROM task", "do it in a role"),
      ("TRUNCATE task", "do it in a role"),
      ("INSERT INTO task SELECT * FROM task_history", "the roles' to write"),
      ("CREATE TRIGGER t BEFORE INSERT ON task EXECUTE FUNCTION f()", "not known to be additive"),
      ("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1; SELECT 2$$", "not known to be additive"),
      ("LOCK TABLE device", "not known to be additive"),
      ("ALTER TYPE mood ADD VALUE 'bad'", "not known to be additive"),
      ("COMMIT", "is a transaction already"),
    ])
  func refused(_ sql: String, _ why: String) {
    let told = AdditiveCheck.problems(in: Migration(number: 9, name: "test", sql: sql), smallTables: ["campaign"])
    #expect(told.count == 1 && told[0].contains(why), "\(told)")
    #expect(told.allSatisfy { $0.hasPrefix("migration 9 (test): ") })
  }

  @Test("what has landed is never changed: databases have it")
  func unchanged() {
    var sums: [Int32: Int64] = [:]
    for migration in [LogSchema.migration] + FleetSchema.migrations { sums[migration.number] = migration.checksum }
    #expect(
      sums == [
        1: -3_807_251_737_714_956_087, 2: -7_561_017_330_915_820_125, 3: 9_025_154_333_544_455_134,
        4: -4_299_120_222_081_749_225, 5: 7_515_011_220_520_841_128,
      ])
  }

  @Test("the first release's schema needs nothing that was there before")
  func baseline() {
    for migration in [LogSchema.migration] + FleetSchema.migrations where migration.number <= FleetSchema.baseline {
      #expect(AdditiveCheck.problems(in: migration) == [])
    }
  }
}
