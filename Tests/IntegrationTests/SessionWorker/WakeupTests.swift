import Cryptography
import EventLog
import Fleet
import PostgreSQL
import Testing

@testable import SessionWorker

@Suite("Wake-ups beside each other's transactions", .timeLimit(.minutes(2)))
struct WakeupTests {
  private let device = UUID128(high: 0xD0, low: 1)

  private func task(_ number: UInt64) -> RPCTask {
    RPCTask(
      id: UUID128(high: 1, low: number), device: device, request: .reboot, once: true, origin: .api, createdAt: 0,
      deadline: 4_000_000_000_000_000)
  }

  private func state(_ tasks: [RPCTask]) -> DeviceState {
    var state = DeviceState(id: device)
    state.tasks = tasks
    return state
  }

  /// A database with the device and one queued task with its wake-up.
  private func withTask(_ body: (TestDatabase) async throws -> Void) async throws {
    try await TestPostgreSQL.withDatabase(migrations: [LogSchema.migration] + FleetSchema.migrations) { database in
      try await database.execute(
        "INSERT INTO device_contact (device, last_inform, session) VALUES ('\(device)', now(), '\(device)')")
      try await database.withLane { lane in
        try await lane.transaction { try await TaskStore.insert([task(1)], in: $0) }
      }
      try await body(database)
    }
  }

  /// What a batch writes in which the device's first task ended.
  private var endOfTheFirst: [Call] {
    var writer = BatchWriter(now: 0)
    writer.write(state([task(1)]), state([]), nil)
    writer.finish(task(1), .succeeded)
    return writer.calls
  }

  @Test("a task that is queued while the batch that ends the device's last one is under way is woken for")
  func queuedMeanwhile() async throws {
    try await withTask { database in
      try await database.withLane { first in
        try await database.withLane { second in
          var ended: Task<Void, any Error>?
          try await first.transaction(deadline: .seconds(20)) { api in
            let pid = try await api.query(Statement("test.pid", "SELECT pg_backend_pid()"))[0].int32(0)
            try await TaskStore.insert([task(2)], in: api)
            // The batch has loaded the first task only; it waits for the wake-up's row.
            ended = Task {
              try await second.transaction(deadline: .seconds(20)) { _ = try await $0.pipeline(endOfTheFirst) }
            }
            while try await database.waitingFor(pid) == 0 {}
          }
          try await ended?.value
        }
      }
      #expect(try await database.number("SELECT count(*) FROM task") == 1)
      #expect(try await database.number("SELECT count(*) FROM wakeup") == 1)
    }
  }

  @Test("who cancels a task does not close the wake-up of one that is queued meanwhile")
  func cancelledMeanwhile() async throws {
    try await withTask { database in
      try await database.withLane { first in
        try await database.withLane { second in
          var cancelled: Task<Void, any Error>?
          try await first.transaction(deadline: .seconds(20)) { api in
            let pid = try await api.query(Statement("test.pid", "SELECT pg_backend_pid()"))[0].int32(0)
            try await TaskStore.insert([task(2)], in: api)
            cancelled = Task {
              try await second.transaction(deadline: .seconds(20)) {
                try await TaskStore.finish([task(1).id], .cancelled, fault: "{}", in: $0)
              }
            }
            while try await database.waitingFor(pid) == 0 {}
          }
          try await cancelled?.value
        }
      }
      #expect(try await database.number("SELECT count(*) FROM wakeup") == 1)
    }
  }

  @Test("of a device without another queued task it is closed; in its session the tasks that are seen need none")
  func closed() async throws {
    try await withTask { database in
      try await database.withLane { lane in
        var writer = BatchWriter(now: 0)
        var inSession = state([task(1)])
        inSession.session = SessionRow(
          id: device, namespaceMinor: 0, events: [], authentication: 0, lastPostAt: 0, lostAfter: 30)
        writer.write(state([task(1)]), inSession, nil)
        try await lane.transaction { [writer] in _ = try await $0.pipeline(writer.calls) }
        #expect(try await database.number("SELECT count(*) FROM wakeup") == 0)
        writer = BatchWriter(now: 0)
        writer.write(inSession, state([task(1)]), nil)
        try await lane.transaction { [writer] in _ = try await $0.pipeline(writer.calls) }
        #expect(try await database.number("SELECT count(*) FROM wakeup") == 1, "the session is over")
        try await lane.transaction { _ = try await $0.pipeline(endOfTheFirst) }
        #expect(try await database.number("SELECT count(*) FROM wakeup") == 0)
      }
    }
  }

  @Test("a batch locks in the order of all: tasks, wake-ups, contacts, outbox")
  func order() {
    var writer = BatchWriter(now: 0)
    var after = state([])
    after.contact = ContactRow(lastInform: 0, session: device)
    writer.write(state([task(1)]), after, nil)
    writer.finish(task(1), .succeeded)
    let event = NorthboundEvent(topic: .taskEvents, type: "t", device: device, time: 0, data: [])
    writer.outbox([(device, event)], OutboxEncoder())
    #expect(
      writer.calls.map(\.statement.name) == [
        "batch_delete_tasks", "batch_write_history", "task_store.lock_wakeups", "task_store.close_wakeups",
        "batch_write_contacts", "batch_write_outbox",
      ])
  }
}
