/// Where a shard says what it does: the process wires it to its log and metrics.
public protocol WorkerReport: Sendable {
  /// Something failed and is tried again.
  func failed(_ what: String, _ error: any Error)
  /// How many partitions the shard owns now.
  func owns(_ partitions: Int)
  /// A batch was committed.
  func committed(_ batch: BatchSummary)
  /// Something that an operator should see.
  func alarm(_ text: String, device: String)
}

/// What a batch came to.
public struct BatchSummary: Sendable {
  /// Records taken.
  public var records: Int
  /// Of them trivial Informs.
  public var trivial: Int
  /// Of them dead letters.
  public var deadLetters: Int
  /// RPCs dispatched.
  public var sends: Int
  /// Sessions that got their end.
  public var ends: Int
  /// Tasks that are over.
  public var finishedTasks: Int
  /// Northbound events.
  public var events: Int
  /// Wall time from reading to commit.
  public var took: Duration
}

extension WorkerReport {
  func finished(_ batch: Batch, _ outcome: BatchFold.Outcome, took: Duration, now: Int64) {
    for alarm in outcome.alarms { self.alarm(alarm.text, device: alarm.device.description) }
    var sends = 0
    var ends = 0
    for (directive, _) in outcome.directives {
      switch directive.verdict {
      case .send: sends += 1
      case .end: ends += 1
      case .ask: break
      }
    }
    committed(
      BatchSummary(
        records: batch.inputs.count + batch.deadLetters.count, trivial: batch.inputs.count { $0.isTrivial },
        deadLetters: batch.deadLetters.count, sends: sends, ends: ends, finishedTasks: outcome.finished.count,
        events: outcome.events.count, took: took))
  }
}
