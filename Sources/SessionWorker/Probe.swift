import EventLog
import Networking
import PostgreSQL

/// Does all that a shard would do with some records, and undoes it: run in a process of its own (`carillon worker
/// --probe`), it tells by its end whether these records crash their reader (docs/architecture.md, section 3).
public actor Probe {
  private nonisolated let loop: EventLoop
  private let parts: Shard.Parts

  /// Runs on the loop of its lane.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates a probe. Call it on the loop of `parts.lane`.
  public init(_ parts: sending Shard.Parts) {
    loop = parts.lane.loop
    self.parts = parts
  }

  /// Loads, folds and writes the records, and rolls back.
  /// - Throws: what PostgreSQL or the log refused.
  public func run(_ range: ProbeRange) async throws {
    let reader = parts.log.reader(on: loop)
    await reader.assign([Partition(.messages, range.partition): range.first])
    var records: [LogRecord] = []
    var next = range.first
    while next < range.end {
      let more = try await reader.next(maximumRecords: 256, maximumBytes: 1 << 20, wait: .seconds(5))
      guard let last = more.last else { throw EventLogError(.unavailable, "the records to probe cannot be read") }
      records += more.filter { $0.offset < range.end }
      next = last.offset + 1
    }
    await reader.close()
    var batch = Batch(records, opening: parts.seal)
    let work = BatchWork(parts)
    do {
      try await parts.lane.transaction(deadline: .seconds(20)) { transaction in
        let opening = try await transaction.pipeline(work.opening(batch))
        let (_, writes) = try await work.fold(&batch, opening: opening[...], transaction)
        _ = try await transaction.pipeline(writes)
        throw Undone()
      }
    } catch is Undone {
      return
    }
  }

  private struct Undone: Error {}
}
