import Networking

/// Making the connection, losing it, making it anew.
extension LaneCore {
  func connect() {
    if case .closed = state { return }
    become(.connecting)
    generation += 1
    let attempt = generation
    let started = Connector.connect(settings) { [self] result in
      let arrived = loop.post { [self] in
        switch result {
        case .success(let connected): opened(connected, attempt: attempt)
        case .failure(let error): failed(error)
        }
      }
      if !arrived, case .success(let connected) = result { Connector.discard(connected) }
    }
    if !started { failed(PostgreSQLError(.connectionLost, "no thread to connect on")) }
  }

  private func opened(_ connected: Connector.Connected, attempt: Int) {
    guard case .connecting = state, attempt == generation else { return Connector.discard(connected) }
    guard let handle = connected.handle, let connection = Connection(handle) else {
      Connector.discard(connected)
      return failed(PostgreSQLError(.connectionLost, "libpq refused pipeline mode"))
    }
    become(.preparing(connection))
    watch = loop.watch(connection.descriptor) { [self] readiness in
      if readiness.contains(.readable) { readable() }
      if readiness.contains(.writable), let connection = self.connection { flush(connection) }
    }
    let job = Job(
      number: nextJobNumber(), .calls(sessionCalls), deadline: loop.now + settings.connectTimeout, alone: true
    ) { [self] result in prepared(result) }
    watchDeadline(job.deadline)
    if transmit(Batch([job]), over: connection) { flush(connection) }
  }

  /// The session's settings, and the channels it listens to.
  private var sessionCalls: [Call] {
    let milliseconds = { (duration: Duration) -> PostgreSQLValue in
      .text(String(duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000))
    }
    // A backend whose client has gone without a word must not keep its locks for the server's two hours.
    var values: [String: PostgreSQLValue] = [
      "tcp_keepalives_idle": .text("10"), "tcp_keepalives_interval": .text("5"), "tcp_keepalives_count": .text("3"),
      "tcp_user_timeout": .text("20000"),
    ]
    values.merge(settings.session.mapValues { .text($0) }) { $1 }
    values["statement_timeout"] = milliseconds(settings.statementTimeout)
    values["lock_timeout"] = milliseconds(settings.lockTimeout)
    let ending = predecessor.map { Call(LaneCore.terminate, .int32($0), .text(settings.applicationName)) }
    return (ending.map { [$0] } ?? []) + values.map { Call(LaneCore.sessionStatement, .text($0.key), $0.value) }
      + listeners.map { LaneCore.listenCall($0.channel) }
  }

  private static let sessionStatement = Statement(
    "lane.session", "SELECT set_config($1, $2, false)")

  /// Ends the backend of the connection that was lost before: it may be in the middle of a pipeline that nobody ends,
  /// with locks that the next batch waits for, and neither `statement_timeout` nor
  /// `idle_in_transaction_session_timeout` applies to it then.
  private static let terminate = Statement(
    "lane.terminate",
    """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE pid = $1 AND pid <> pg_backend_pid() AND application_name = $2 AND usename = current_user
    """)

  private func prepared(_ result: Result<[Rows], PostgreSQLError>) {
    switch result {
    case .success:
      guard case .preparing(let connection) = state else { return }
      become(.ready(connection))
      failedAttempts = 0
      lastFailure = nil
      predecessor = nil
      scheduleFlush()
    case .failure(let error):
      lost(error)
    }
  }

  /// Ends the connection, tells those whose statements were under way, and goes to make another.
  func lost(_ reason: PostgreSQLError) {
    guard connection != nil else { return }
    dropConnection(reason)
    failed(reason)
  }

  /// Ends the connection, if there is one, without making another.
  func dropConnection(_ reason: PostgreSQLError) {
    watch?.cancel()
    watch = nil
    cancelledAt = nil
    // The connection is freed with the last reference: here, or when the callback that holds it returns.
    if let connection {
      predecessor = connection.backend
      become(.new)
    }
    var error = reason
    if error.kind == .server { error = PostgreSQLError(.connectionLost, reason.message) }
    let batches = inFlight.removeAll()
    dropHold(error)
    error.isOutcomeUnknown = true
    for batch in batches {
      for job in batch.jobs { job.complete(.failure(error)) }
    }
  }

  private func failed(_ error: PostgreSQLError) {
    if case .closed = state { return }
    lastFailure = error
    let doublings = min(failedAttempts, 10)
    failedAttempts += 1
    let longest = min(settings.maximumBackoff, settings.minimumBackoff * (1 << doublings))
    // Half of it at random, so that a fleet of lanes does not come back as one.
    let delay = longest * Double.random(in: 0.5...1)
    become(.waiting(loop.schedule(after: delay) { [self] in connect() }))
  }
}
