import Cryptography
import EventLog
import Testing

@testable import TaskScheduler

struct OutboxEntryTests {
  private let first = UUID128(high: 1, low: 1)
  private let second = UUID128(high: 1, low: 2)

  private func entry(_ id: Int64, _ device: UUID128, _ sequence: Int64, _ topic: Topic = .taskEvents) -> OutboxEntry {
    OutboxEntry(id: id, device: device, sequence: sequence, topic: topic, headers: RecordHeaders(), value: [])
  }

  @Test func `a device's events leave by their sequence`() {
    let ordered = OutboxEntry.inOrder([entry(1, first, 2), entry(2, second, 1), entry(3, first, 1)])
    #expect(ordered.map(\.id) == [3, 1, 2])
  }

  @Test func `what follows a failure of the same device is relayed again with it (P5)`() {
    let failure = Result<Int64, EventLogError>.failure(EventLogError(.unavailable, "down"))
    let entries = [entry(1, first, 1), entry(2, first, 2), entry(3, first, 3), entry(4, second, 1)]
    #expect(OutboxEntry.relayed(entries, [.success(0), failure, .success(1), .success(2)]) == [1, 4])
  }

  @Test func `the sequence sorts as text, and dead letters carry none`() {
    let headers = entry(1, first, 42).sequencedHeaders
    #expect(headers.first("ce_sequence").map { String(decoding: $0, as: UTF8.self) } == "00000000000000000042")
    #expect(entry(1, first, 42, .deadLetters).sequencedHeaders.first("ce_sequence") == nil)
  }
}
