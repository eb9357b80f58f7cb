import CWMP
import Cryptography
import EventLog
import Fleet
import Networking
import PostgreSQL
import Testing

@Suite("Records of a newer version", .serialized, .timeLimit(.minutes(5)))
struct NewerRecordTests {
  @Test("one that this worker cannot understand stops its partition, with an alarm; no record is buried or passed over")
  func newer() async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(.postgresql, database: database, roles: ["worker", "worker", "gateway"]) { cluster in
        let log = try await PostgreSQLLog.open(LaneSettings(connection: database.connection), on: cluster.loop)
        let first = TestCPE(cluster, serial: "first")
        try await first.inform([EventStruct(.bootstrap)])
        #expect(try await first.work().count == 1)

        // What a gateway of the next version might say, once in another device's partition.
        let key = Array(first.id.id.description.utf8)
        let own = Partitioning.partition(of: key, among: log.partitionCount(of: .messages))
        let stopped = (own + 1) % log.partitionCount(of: .messages)
        var headers = RecordHeaders()
        headers.append("v", CollectionOfOne(CPEMessage.version + 1))
        let offset = try await cluster.loop.append(
          OutgoingRecord(partition: Partition(.messages, stopped), key: key, headers: headers, value: []), to: log)
        try await cluster.eventually("its worker has declined the partition, and says why") {
          await cluster.logged("worker", "written by a newer version") > 0
        }
        // The other worker takes it only if it is below its share, and then declines it too.
        let state = Statement("test.claim", "SELECT next_offset, owner IS NULL FROM log_claim WHERE part = $1")
        try await database.withLane { lane in
          try await cluster.eventually("it waits for a worker that can read it") {
            let row = try await lane.query(state, .int32(stopped))[0]
            let (next, isFree) = (try row.int64(0), try row.bool(1))
            return next == offset && isFree
          }
        }
        for part in 0..<log.partitionCount(of: .deadLetters) {
          #expect(try await log.end(of: Partition(.deadLetters, part)) == 0)
        }
        // The other partitions are served.
        try await first.inform()
        #expect(try await first.work().isEmpty)
        // A new range of partitions would pass it over, so it waits, and the log tells for what.
        _ = try await cluster.migrate("--partitions", "5")
        try await database.execute("UPDATE log_range SET begins_at = now() - interval '3 s' WHERE NOT is_read")
        try await cluster.eventually("a worker tells what the new range waits for") {
          await cluster.logged("worker", #""a new range of partitions waits","for":"\#(stopped)""#) > 0
        }
        #expect(try await database.number("SELECT count(*) FROM log_range WHERE is_read") == 1)
        await log.shutdown()
      }
    }
  }

  @Test("a task that only a newer version can read is left to its workers; the device's other work is done")
  func newerTask() async throws {
    try await TestPostgreSQL.withDatabase { database in
      try await TestCluster.with(.postgresql, database: database, roles: ["worker", "northbound", "gateway"]) {
        cluster in
        let cpe = TestCPE(cluster, serial: "modern")
        try await cpe.provision()
        try await database.execute(
          """
          INSERT INTO task (id, device, method, arguments, state, once, origin, maximum_attempts, not_before, deadline,
                            created_at, changed_at)
          SELECT gen_random_uuid(), id, 'Hologram', '{"of": "tomorrow"}', 1, false, 1, 5, now(), now() + interval '1 h',
                 now(), now() FROM device
          """)
        let body = #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo.UpTime"]}}"#
        _ = try await cluster.api("/devices/\(cpe.identity)/tasks", method: "POST", body: body)
        try await cpe.inform()
        #expect(try await cpe.work().map(\.method) == [.getParameterValues])
        try await cpe.inform()
        #expect(try await cpe.work().isEmpty)
        #expect(await cluster.logged("worker", "is of a newer version: left to its workers") > 0)
        #expect(try await database.number("SELECT count(*) FROM task WHERE method = 'Hologram' AND state = 1") == 1)
        #expect(try await database.number("SELECT count(*) FROM wakeup") == 1, "one of them may come")
      }
    }
  }
}
