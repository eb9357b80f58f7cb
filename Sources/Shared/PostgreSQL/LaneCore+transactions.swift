import Networking

/// A transaction's hold on the lane.
final class Hold {
  let number: Int
  let deadline: ContinuousClock.Instant
  /// Whether BEGIN was sent, and neither COMMIT nor ROLLBACK was answered.
  var begun = false
  /// Whether COMMIT was answered.
  var committed = false
  /// Why the transaction takes no more calls.
  var over: PostgreSQLError?

  init(number: Int, deadline: ContinuousClock.Instant) {
    self.number = number
    self.deadline = deadline
  }
}

extension LaneCore {
  private static let begin = Call(Statement("lane.begin", "BEGIN"))
  private static let commit = Call(Statement("lane.commit", "COMMIT"))
  private static let rollback = Call(Statement("lane.rollback", "ROLLBACK"))

  /// The lane is `job`'s from now on.
  func grant(_ job: Job) {
    let hold = Hold(number: job.number, deadline: job.deadline)
    self.hold = hold
    holds[hold.number] = hold
    watchDeadline(job.deadline)
    job.complete(.success([]))
  }

  /// Sends statements of the transaction, and with them BEGIN if they are the first and COMMIT if they are the last.
  func submit(
    _ work: Job.Work, in number: Int, job jobNumber: Int, commit: Bool, _ completion: @escaping Job.Completion
  ) {
    guard let hold = holds[number], hold.over == nil, hold === self.hold else {
      return completion(.failure(over(holds[number]?.over)))
    }
    var work = work
    var skip = 0
    if case .calls(var calls) = work {
      if !hold.begun {
        calls.insert(LaneCore.begin, at: 0)
        skip = 1
      }
      if commit { calls.append(LaneCore.commit) }
      work = .calls(calls)
      hold.begun = true
    }
    let job = Job(number: jobNumber, work, deadline: hold.deadline) { [self] result in
      switch result {
      case .success(let rows): completion(committed(rows, in: hold, commit: commit).map { Array($0.dropFirst(skip)) })
      case .failure(let error):
        if hold.over == nil { hold.over = error }
        completion(.failure(error))
      }
    }
    queue.appendHeld(job)
    scheduleFlush()
  }

  private func committed(
    _ rows: [Rows], in hold: Hold, commit: Bool
  ) -> Result<[Rows], PostgreSQLError> {
    guard commit else { return .success(rows) }
    hold.begun = false
    end(hold)
    // COMMIT of a failed transaction succeeds, as a ROLLBACK.
    guard rows.last?.result.isRollback == false else {
      let error = PostgreSQLError(.transactionOver, "the server rolled back instead of committing")
      hold.over = error
      return .failure(error)
    }
    hold.committed = true
    hold.over = PostgreSQLError(.transactionOver, "it was committed")
    return .success(Array(rows.dropLast()))
  }

  /// Whether there is something left to commit; if not, the transaction has ended.
  func needsCommit(_ number: Int) throws(PostgreSQLError) -> Bool {
    guard let hold = holds[number] else { return false }
    if !hold.committed {
      if let error = hold.over { throw over(error) }
      if hold.begun { return true }
      end(hold)
    }
    forget(number)
    return false
  }

  /// After a COMMIT that succeeded.
  func forget(_ number: Int) { holds[number] = nil }

  /// The transaction's body has failed.
  func rollBack(_ number: Int) {
    guard let hold = holds.removeValue(forKey: number) else { return }
    rollBack(hold)
  }

  /// Ends the hold; ROLLBACK is sent if BEGIN was, and is not waited for: what comes next on the lane comes after it.
  private func rollBack(_ hold: Hold) {
    guard hold === self.hold else { return }
    for job in queue.removeHeld() { job.complete(.failure(over(hold.over))) }
    guard hold.begun, connection != nil else { return end(hold) }
    let job = Job(
      number: nextJobNumber(), .calls([LaneCore.rollback]), deadline: loop.now + settings.deadline
    ) { [self] result in
      // A connection whose transaction cannot be ended is of no use to the next.
      if case .failure(let error) = result { lost(error) }
    }
    job.endsHold = true
    watchDeadline(job.deadline)
    queue.appendHeld(job)
    self.hold = nil
    scheduleFlush()
  }

  /// The transaction has taken too long: it ends now, whatever its body does.
  func expireHold() {
    guard let hold else { return }
    if hold.over == nil { hold.over = PostgreSQLError(.deadline, "the transaction's deadline has passed") }
    rollBack(hold)
  }

  /// The connection is gone, and the transaction with it.
  func dropHold(_ reason: PostgreSQLError) {
    hold?.over = reason
    hold = nil
    for job in queue.removeHeld() { job.complete(.failure(reason)) }
    queue.release()
  }

  private func end(_ hold: Hold) {
    guard hold === self.hold else { return }
    self.hold = nil
    queue.release()
    scheduleFlush()
  }

  private func over(_ reason: PostgreSQLError?) -> PostgreSQLError {
    // What ended it decides what to do about it.
    guard var error = reason else { return PostgreSQLError(.transactionOver, "the transaction is over") }
    error.message = "the transaction has ended: \(error.message)"
    return error
  }
}
