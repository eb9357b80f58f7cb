extension LogProducer {
  /// Appends records in order, in one turn of the loop; call it on the producer's loop. Ends when the log has said of
  /// each what became of it, which the log bounds.
  /// - Returns: what became of each, in their order.
  public func append(_ records: [OutgoingRecord]) async -> [Result<Int64, EventLogError>] {
    if records.isEmpty { return [] }
    return await withCheckedContinuation { continuation in
      let gathering = Gathering(records.count) { continuation.resume(returning: $0) }
      for (index, record) in records.enumerated() { append(record) { gathering.set(index, $0) } }
    }
  }
}

/// Results by their index; complete once each is there.
private final class Gathering {
  private var results: [Result<Int64, EventLogError>?]
  private var missing: Int
  private let done: ([Result<Int64, EventLogError>]) -> Void

  init(_ count: Int, done: @escaping ([Result<Int64, EventLogError>]) -> Void) {
    results = Array(repeating: nil, count: count)
    missing = count
    self.done = done
  }

  func set(_ index: Int, _ result: Result<Int64, EventLogError>) {
    results[index] = result
    missing -= 1
    if missing == 0 { done(results.compactMap { $0 }) }
  }
}
