import PostgreSQL
import Testing

@testable import Northbound

@Suite("Searching a fleet", .timeLimit(.minutes(2)))
struct DeviceSearchTests {
  @Test("A search is planned for what it searches, however often it was asked before")
  func planned() async throws {
    try await NorthboundFixture.with { api in
      let explained = Statement(
        "test.explained", "SELECT count(*) FROM device WHERE serial_number ~>=~ $1 AND serial_number ~<~ $2")
      // Five executions are always planned anew; from then on PostgreSQL may keep a plan for any parameters.
      for _ in 0..<12 { _ = try await api.lane.search(explained, [.text("1"), .text("2")]) }
      let plans = Statement(
        "test.plans",
        // This statement is one of the connection's too.
        "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT count(*) %'")
      let rows = try await api.lane.query(plans)
      #expect(rows.count == 1)
      #expect(try rows[0].int64(0) == 12)
      #expect(try rows[0].int64(1) == 0)
    }
  }
}
