import Cryptography
import EventLog
import Fleet
import Networking
import PostgreSQL

@testable import TaskScheduler

/// A fleet's database with an embedded log, and what an activity needs to run on it.
struct SchedulerFixture {
  let loop: EventLoop
  let lane: Lane
  let claimsLane: Lane
  let log: PostgreSQLLog
  let database: TestDatabase
  let keyring: ClusterKeyring

  static let migrations = [LogSchema.migration] + FleetSchema.migrations

  static func with(_ body: (SchedulerFixture) async throws -> Void) async throws {
    try await TestPostgreSQL.withDatabase(migrations: migrations) { database in
      let loop = try EventLoop(name: "scheduler")
      let lane = try Lane(on: loop, database.settings)
      let claimsLane = try Lane(on: loop, database.settings)
      let result: Result<Void, any Error>
      do {
        let partitions = Dictionary(uniqueKeysWithValues: Topic.allCases.map { ($0, Int32(2)) })
        try await PostgreSQLLog.migrate(partitions, on: lane)
        try await PartitionRanges.found(count: 2, on: lane)
        let log = try await PostgreSQLLog.open(database.settings, on: loop)
        let keyring = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 7, count: 32)))
        let fixture = SchedulerFixture(
          loop: loop, lane: lane, claimsLane: claimsLane, log: log, database: database, keyring: keyring)
        do {
          result = .success(try await body(fixture))
        } catch {
          result = .failure(error)
        }
        await log.shutdown()
      } catch {
        result = .failure(error)
      }
      await lane.close()
      await claimsLane.close()
      await loop.shutdown()
      try result.get()
    }
  }

  // MARK: - Parts

  var sealer: ValueSealer { ValueSealer(keyring) }

  /// Lanes that are all this one scheduler's.
  func lanes() async throws -> OutboxLanes {
    let lanes = OutboxLanes(Claims(log: "outbox", partitions: Int32(TaskStore.outboxLanes), lane: claimsLane), loop)
    _ = try await lanes.round()
    return lanes
  }

  func records() async throws -> RecordAppender {
    let (log, loop, lane) = (log, loop, lane)
    return try await loop.run { RecordAppender(log, lane: lane) }
  }

  /// Everything on `topic` so far, partition by partition.
  func read(_ topic: Topic) async throws -> [LogRecord] {
    var records: [LogRecord] = []
    for number in 0..<log.partitionCount(of: topic) {
      let partition = Partition(topic, number)
      let (from, to) = (try await log.start(of: partition), try await log.end(of: partition))
      guard to > from else { continue }
      let reader = log.reader(on: loop)
      await reader.assign([partition: from])
      var found: [LogRecord] = []
      while found.count < to - from {
        let next = try await reader.next(maximumRecords: 100, maximumBytes: 1 << 20, wait: .seconds(5))
        if next.isEmpty { break }
        found += next
      }
      await reader.close()
      records += found
    }
    return records
  }

  // MARK: - Rows

  func execute(_ sql: String) async throws { try await lane.script(sql) }

  /// The first column of a query, as text.
  func column(_ sql: String) async throws -> [String] {
    let rows = try await lane.query(Statement("test.column", "SELECT x::text FROM (\(sql)) AS t(x)"))
    return try rows.map { try $0.optionalText(0) ?? "NULL" }
  }

  func value(_ sql: String) async throws -> String { try await column(sql).first ?? "none" }

  /// A device that informed from this machine.
  @discardableResult
  func device(
    _ number: UInt64, url: String = "", peer: String = "127.0.0.1", version: String = "1.0", model: String = "Model"
  ) async throws -> UUID128 {
    let id = UUID128(high: 0xd, low: number)
    try await execute(
      """
      INSERT INTO device (id, identity, manufacturer, oui, product_class, serial_number, software_version,
                          connection_request_url, peer, created_at, seen_at)
      VALUES ('\(id)', 'A0B0C0-\(model)-\(number)', 'Maker', 'A0B0C0', '\(model)', '\(number)', '\(version)', '\(url)',
              '\(peer)', now(), now());
      INSERT INTO device_contact (device, last_inform, session) VALUES ('\(id)', now(), gen_random_uuid());
      """)
    return id
  }

  /// A live task in a state, its deadline that many seconds from now.
  @discardableResult
  func task(
    _ device: UUID128, _ state: RPCTask.State = .queued, deadline: Int = 3600, dependsOn: UUID128? = nil,
    attempt: Int = 0
  ) async throws -> UUID128 {
    let id = UUIDv7Generator().next(milliseconds: 1_700_000_000_000)
    try await execute(
      """
      INSERT INTO task (id, device, method, arguments, state, once, origin, attempt, maximum_attempts, not_before,
                        deadline, created_at, changed_at, depends_on)
      VALUES ('\(id)', '\(device)', 'Reboot', '{}', \(state.rawValue), true, 1, \(attempt), 5, now() - interval '1 h',
              now() + interval '\(deadline) s', now(), now(), \(dependsOn.map { "'\($0)'" } ?? "NULL"));
      INSERT INTO wakeup (device, next_try) VALUES ('\(device)', now()) ON CONFLICT DO NOTHING;
      """)
    return id
  }

  /// The credentials with which the device may be asked.
  func credential(_ device: UUID128, user: String, password: String) async throws {
    let sealed = try sealer.seal(password, owner: device)
    _ = try await lane.query(Self.insertCredential, .uuid(device), .text(user), .bytes(sealed))
  }

  private static let insertCredential = Statement(
    "test.credential",
    """
    INSERT INTO credential (device, username, request_username, request_secret, changed_at)
    VALUES ($1, $1::uuid::text, $2, $3, now())
    """)
}
