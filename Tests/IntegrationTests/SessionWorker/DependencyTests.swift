import Cryptography
import EventLog
import Fleet
import PostgreSQL
import Testing

@testable import SessionWorker

@Suite("Tasks that depend on others, as a batch loads them")
struct DependencyTests {
  private let device = UUID128(high: 0xD0, low: 1)

  private func task(_ number: UInt64, after: UInt64? = nil) -> RPCTask {
    var task = RPCTask(
      id: UUID128(high: 1, low: number), device: device, request: .reboot, once: true, origin: .api, createdAt: 0,
      deadline: 4_000_000_000_000_000)
    task.dependsOn = after.map { UUID128(high: 1, low: $0) }
    return task
  }

  @Test(
    "what waits or is in doubt while its prerequisite ends badly is known; success, or a live one, hinders nothing",
    arguments: [RPCTask.State.queued, .inDoubt])
  func failedMeanwhile(state: RPCTask.State) async throws {
    try await TestPostgreSQL.withLane(migrations: [LogSchema.migration] + FleetSchema.migrations) { lane, _ in
      let all = [task(1), task(2), task(3), task(4, after: 1), task(5, after: 2), task(6, after: 3)]
      try await lane.transaction { transaction in
        try await TaskStore.insert(all, in: transaction)
        _ = try await transaction.query(
          Statement("test.dependents", "UPDATE task SET state = $1 WHERE depends_on IS NOT NULL"),
          .int16(state.rawValue))
        // As a batch ends them that has loaded none of those that wait.
        var writer = BatchWriter(now: 0)
        writer.finish(task(1), .failed)
        writer.finish(task(2), .succeeded)
        _ = try await transaction.pipeline(writer.calls)
      }
      var states = [device: DeviceState(id: device)]
      try await lane.transaction { transaction in
        try BatchStore.read(try await transaction.pipeline(BatchStore.loading([device])), into: &states)
      }
      #expect(states[device]?.tasks.map(\.id) == [3, 4, 5, 6].map { task($0).id })
      #expect(states[device]?.failedPrerequisites == [task(1).id])
    }
  }
}
