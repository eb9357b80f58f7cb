/// One caller's unit of work: what is sent together, and succeeds or fails as one.
final class Job {
  enum Work {
    /// Statements of one transaction.
    case calls([Call])
    /// SQL text for the simple protocol.
    case script(String)
    /// The lane itself, for a transaction: done as soon as its turn has come.
    case hold
  }

  typealias Completion = (Result<[Rows], PostgreSQLError>) -> Void

  let number: Int
  let work: Work
  let deadline: ContinuousClock.Instant
  let byteCount: Int
  /// Whether it gets a Sync of its own: asked for by the caller, or because a neighbour's failure undid it.
  var alone: Bool
  /// Whether it is a ROLLBACK, with whose sending the lane is free again.
  var endsHold = false
  /// Whether a statement was found unprepared, which is cured by one more attempt.
  var wasUnprepared = false
  /// The rows so far; they count only once the Sync is answered.
  var results: [Rows] = []
  private var completion: Completion?

  init(
    number: Int, _ work: Work, deadline: ContinuousClock.Instant, alone: Bool = false,
    _ completion: @escaping Completion
  ) {
    self.number = number
    self.work = work
    self.deadline = deadline
    self.alone = alone
    self.completion = completion
    switch work {
    case .calls(let calls): byteCount = calls.reduce(0) { $0 + $1.byteCount }
    case .script(let sql): byteCount = sql.utf8.count
    case .hold: byteCount = 0
    }
  }

  var calls: [Call] {
    if case .calls(let calls) = work { return calls }
    return []
  }

  /// Whether the caller has been told; what the server says after that is of no interest.
  var isOver: Bool { completion == nil }

  /// Tells the caller, once.
  func complete(_ result: Result<[Rows], PostgreSQLError>) {
    guard let completion else { return }
    self.completion = nil
    completion(result)
  }
}
