import Networking

/// What the server says, matched to what was sent.
extension LaneCore {
  func readable() {
    guard let connection else { return }
    let open = connection.consume()
    drain(connection)
    // What a completion did may have ended this connection and even begun another.
    guard self.connection === connection else { return }
    guard open else { return lost(PostgreSQLError(.connectionLost, connection.message)) }
    for notification in connection.notifications() {
      for listener in listeners where listener.channel == notification.channel {
        listener.handler(notification.payload)
      }
    }
    scheduleFlush()
    flush(connection)
  }

  private func drain(_ connection: Connection) {
    var ends = 0
    while self.connection === connection, let batch = inFlight.first {
      let answer = connection.next(batch.nextStatement)
      if case .none = answer { return }
      cancelledAt = nil
      if case .end = answer {
        if batch.script != nil {
          finishScript(batch, connection)
          continue
        }
        // One ends each statement's answers; more in a row without an answer mean that libpq has nothing for us.
        ends += 1
        if ends > 2 { return lost(PostgreSQLError(.connectionLost, connection.message)) }
        continue
      }
      ends = 0
      switch answer {
      case .success(let result): batch.succeeded(result)
      case .failure(let error): note(error, batch)
      case .passedOver: batch.passedOver()
      case .synced: finish(batch)
      case .none, .end: break
      }
    }
  }

  private func note(_ error: PostgreSQLError, _ batch: Batch) {
    if error.kind == .connectionLost { return lost(error) }
    batch.failed(error)
  }

  private func finish(_ batch: Batch) {
    _ = inFlight.popFirst()
    let (done, rerun) = batch.outcome()
    queue.putBack(rerun)
    for (job, result) in done { job.complete(result) }
    demandWritable(batch)
  }

  private func finishScript(_ batch: Batch, _ connection: Connection) {
    guard connection.resumePipeline() else {
      return lost(PostgreSQLError(.connectionLost, connection.message))
    }
    finish(batch)
  }

  /// A server that has become read-only is not the one that we want: `target_session_attrs` finds the other.
  private func demandWritable(_ batch: Batch) {
    if let error = batch.failure?.error, error.sqlState == "25006" { lost(error) }
  }
}
