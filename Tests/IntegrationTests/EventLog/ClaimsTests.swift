import EventLog
import Fleet
import Networking
import PostgreSQL
import Testing

/// Ownership of partitions by leases (docs/architecture.md, section 3).
@Suite(.timeLimit(.minutes(1)))
struct ClaimsTests {
  /// Two members on lanes of their own, and a third lane for looking and meddling.
  private func withMembers(
    partitions: Int32 = 4, _ body: (Claims, Lane, Claims, Lane, Lane) async throws -> Void
  ) async throws {
    try await TestPostgreSQL.withLane(migrations: [LogSchema.migration]) { lane, database in
      try await database.withLane { first in
        try await database.withLane { second in
          try await body(
            Claims(log: "test", partitions: partitions, lane: first), first,
            Claims(log: "test", partitions: partitions, lane: second), second, lane)
        }
      }
    }
  }

  private static let expire = Statement(
    "test.expire", "UPDATE log_claim SET lease_until = clock_timestamp() - interval '3 s'")

  @Test func `one member owns all; with a second each has its share`() async throws {
    try await withMembers { first, _, second, _, _ in
      #expect(try await first.tend() == [])
      #expect(await first.claims.count == 4)
      _ = try await second.tend()
      #expect(await second.claims.isEmpty)
      let surplus = try await first.tend()
      #expect(surplus.count == 2)
      try await first.release(surplus)
      _ = try await second.tend()
      #expect(Set(await second.claims.keys) == Set(surplus))
      #expect(Set(await first.claims.keys).isDisjoint(with: await second.claims.keys))
    }
  }

  @Test func `of each range of partitions every member has its share: an old one has no work`() async throws {
    try await TestPostgreSQL.withLane(migrations: [LogSchema.migration] + FleetSchema.migrations) { lane, _ in
      try await PartitionRanges.found(count: 4, on: lane)
      let members = (0..<3).map { _ in Claims(log: "test", partitions: nil, lane: lane) }
      func settle() async throws {
        for _ in 0..<3 { for member in members { try await member.release(try await member.tend()) } }
      }
      try await settle()
      #expect(await members[0].claims.count == 2)
      let add = Statement("test.add", "INSERT INTO log_range VALUES (4, 6, now(), true)")
      _ = try await lane.query(add)
      try await settle()
      for member in members {
        let new = await member.claims.keys.filter { $0 >= 4 }
        #expect(new.count == 2)
      }
    }
  }

  @Test func `what was taken or given back by a statement whose answer was lost is not left to nobody`() async throws {
    try await withMembers { first, _, second, _, lane in
      _ = try await second.tend()
      let take = Statement(
        "test.take",
        """
        UPDATE log_claim SET owner = $1, epoch = epoch + 1, next_offset = 7,
                             lease_until = clock_timestamp() + interval '6 s' WHERE part = 2
        """)
      try await second.leave()
      _ = try await lane.query(take, .uuid(first.member))
      _ = try await first.tend()
      #expect(await first.claims.count == 4)
      #expect(await first.claims[2]?.nextOffset == 7)
      try await first.decline(2)
      _ = try await lane.query(take, .uuid(first.member))
      #expect(try await first.tend() == [2], "to be given back once more")
      #expect(await first.claims[2] == nil)
    }
  }

  @Test func `an owner whose lease is over is replaced, and what it still commits is fenced`() async throws {
    try await withMembers(partitions: 1) { first, firstLane, second, secondLane, lane in
      _ = try await first.tend()
      let old = try #require(await first.claims[0])
      #expect(try await firstLane.pipeline([first.swap([(old, to: 10)])])[0].count == 1)
      await first.moved(0, to: 10)
      _ = try await lane.query(Self.expire)
      _ = try await second.tend()
      let new = try #require(await second.claims[0])
      #expect(new.epoch == old.epoch + 1)
      #expect(new.nextOffset == 10)
      let late = try #require(await first.claims[0])
      #expect(try await firstLane.pipeline([first.swap([(late, to: 20)])])[0].isEmpty)
      _ = try await first.tend()
      #expect(await first.claims.isEmpty)
      #expect(try await secondLane.pipeline([second.swap([(new, to: 12)])])[0].count == 1)
    }
  }

  @Test func `a swap from another offset than the claim's moves nothing`() async throws {
    try await withMembers(partitions: 1) { first, firstLane, _, _, _ in
      _ = try await first.tend()
      var claim = try #require(await first.claims[0])
      claim.nextOffset = 5
      #expect(try await firstLane.pipeline([first.swap([(claim, to: 20)])])[0].isEmpty)
      claim.nextOffset = 0
      #expect(try await firstLane.pipeline([first.swap([(claim, to: 0)])])[0].isEmpty, "nor back, nor on the spot")
    }
  }

  @Test func `a partition that is taken over again and again without moving says so`() async throws {
    try await withMembers(partitions: 1) { first, _, second, secondLane, lane in
      _ = try await first.tend()
      #expect(await first.claims[0]?.starts == 1)
      _ = try await lane.query(Self.expire)
      _ = try await second.tend()
      let claim = try #require(await second.claims[0])
      #expect(claim.starts == 2)
      _ = try await secondLane.pipeline([second.swap([(claim, to: 1)])])
      _ = try await lane.query(Self.expire)
      try await first.reload()
      _ = try await first.tend()
      #expect(await first.claims[0]?.starts == 1)
    }
  }

  @Test func `who leaves gives all back at once`() async throws {
    try await withMembers { first, _, second, _, _ in
      _ = try await first.tend()
      _ = try await second.tend()
      try await first.leave()
      _ = try await second.tend()
      #expect(await second.claims.count == 4)
    }
  }

  @Test func `an owner that was stopped in mid-transaction is ended, and its rows are free`() async throws {
    try await withMembers(partitions: 1) { first, firstLane, second, _, lane in
      _ = try await first.tend()
      let claim = try #require(await first.claims[0])
      _ = try await lane.query(Self.expire)
      let error = await #expect(throws: PostgreSQLError.self) {
        try await firstLane.transaction { transaction in
          _ = try await transaction.pipeline([first.swap([(claim, to: 10)])])
          // Holds the row until it is ended from outside.
          while await second.claims.isEmpty { _ = try await second.tend() }
          _ = try await transaction.query(Statement("test.late", "SELECT 1"))
        }
      }
      #expect(error?.kind == .connectionLost)
      #expect(await second.claims[0]?.nextOffset == 0)
    }
  }
}
