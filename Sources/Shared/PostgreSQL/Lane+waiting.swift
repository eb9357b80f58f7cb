import Networking

/// From callbacks to `async`: each call is one continuation, resumed on the loop.
extension Lane {
  func run(_ calls: [Call], deadline: Duration?, alone: Bool) async throws(PostgreSQLError) -> [Rows] {
    if calls.isEmpty { return [] }
    return try await wait { core, number, completion in
      core.submit(.calls(calls), number: number, deadline: deadline, alone: alone, completion)
    }
  }

  func run(script: String, deadline: Duration?) async throws(PostgreSQLError) {
    _ = try await wait { core, number, completion in
      core.submit(.script(script), number: number, deadline: deadline, completion)
    }
  }

  // MARK: - Transactions

  /// Waits for the lane; returns the number of the hold.
  func acquire(deadline: Duration?) async throws(PostgreSQLError) -> Int {
    let number = core.nextJobNumber()
    _ = try await wait(number) { core, number, completion in
      core.submit(.hold, number: number, deadline: deadline, completion)
    }
    return number
  }

  func run(_ calls: [Call], in hold: Int, commit: Bool) async throws(PostgreSQLError) -> [Rows] {
    if calls.isEmpty && !commit { return [] }
    return try await wait { core, number, completion in
      core.submit(.calls(calls), in: hold, job: number, commit: commit, completion)
    }
  }

  func run(script: String, in hold: Int) async throws(PostgreSQLError) {
    // A script cannot carry a BEGIN of the pipeline's with it.
    _ = try await run([Call(Lane.nothing)], in: hold, commit: false)
    _ = try await wait { core, number, completion in
      core.submit(.script(script), in: hold, job: number, commit: false, completion)
    }
  }

  func commit(_ hold: Int) async throws(PostgreSQLError) {
    guard try core.needsCommit(hold) else { return }
    _ = try await run([], in: hold, commit: true)
    core.forget(hold)
  }

  func rollBack(_ hold: Int) { core.rollBack(hold) }

  private static let nothing = Statement("lane.nothing", "SELECT")

  // MARK: - One wait

  /// Starts work and waits for its end; the task's cancellation ends the wait, not what was sent.
  private func wait(
    _ number: Int? = nil, _ start: (LaneCore, Int, @escaping Job.Completion) -> Void
  ) async throws(PostgreSQLError) -> [Rows] {
    let core = core
    let number = number ?? core.nextJobNumber()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Result<[Rows], PostgreSQLError>, Never>) in
        // A cancellation before this point may have been posted before the job exists; one after it comes after the
        // job.
        if Task.isCancelled {
          return continuation.resume(returning: .failure(PostgreSQLError(.cancelled, "the caller was cancelled")))
        }
        // Named by way of `self`, which keeps the closures on the actor's loop.
        start(self.core, number) { continuation.resume(returning: $0) }
      }
    } onCancel: {
      core.loop.post { core.cancel(number) }
    }
    return try result.get()
  }
}
