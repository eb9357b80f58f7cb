import Cryptography
import EventLog
import Fleet
import PostgreSQL
import Testing

@testable import SessionWorker

@Suite("Credentials beside operators' transactions", .timeLimit(.minutes(2)))
struct CredentialLockTests {
  private let device = UUID128(high: 0xD0, low: 1)

  @Test("a device that is let in again while a batch changes its credentials has both")
  func readmittedMeanwhile() async throws {
    try await TestPostgreSQL.withDatabase(migrations: [LogSchema.migration] + FleetSchema.migrations) { database in
      try await database.execute(
        "INSERT INTO credential (device, username, secret, changed_at) VALUES ('\(device)', 'd', 's', now())")
      try await database.withLane { first in
        try await database.withLane { second in
          var readmitted: Task<Void, any Error>?
          try await first.transaction(deadline: .seconds(20)) { batch in
            var states = [device: DeviceState(id: device)]
            try BatchStore.read(try await batch.pipeline(BatchStore.loading([device])), into: &states)
            let pid = try await batch.query(Statement("test.pid", "SELECT pg_backend_pid()"))[0].int32(0)
            let update = Statement("test.readmit", "UPDATE credential SET readmit_until = now() + interval '1 hour'")
            readmitted = Task {
              try await second.transaction(deadline: .seconds(20)) { _ = try await $0.query(update) }
            }
            while try await database.waitingFor(pid) == 0 {}
            let before = try #require(states[device])
            var after = before
            after.credential?.requestSecret = [1]
            var writer = BatchWriter(now: 0)
            writer.write(before, after, nil)
            _ = try await batch.pipeline(writer.calls)
          }
          try await readmitted?.value
        }
      }
      let both = "SELECT count(*) FROM credential WHERE request_secret = '\\x01' AND readmit_until > now()"
      #expect(try await database.number(both) == 1)
    }
  }
}
