/// Who waits for the end of a CPE's session.
struct SessionWaiters {
  private struct Waiter {
    let sessions: UInt32
    let continuation: CheckedContinuation<SessionReport, any Error>
  }

  private var waiters: [Int: [Waiter]] = [:]

  /// - Parameter sessions: The count of the CPE's sessions from which on an end counts.
  mutating func add(
    _ cpe: SimulatedCPE, from sessions: UInt32, _ continuation: CheckedContinuation<SessionReport, any Error>
  ) {
    waiters[cpe.place, default: []].append(Waiter(sessions: sessions, continuation: continuation))
  }

  mutating func sessionEnded(_ cpe: SimulatedCPE, _ report: SessionReport) {
    guard let waiting = waiters[cpe.place] else { return }
    let rest = waiting.filter { $0.sessions > cpe.sessions }
    waiters[cpe.place] = rest.isEmpty ? nil : rest
    for waiter in waiting where waiter.sessions <= cpe.sessions { waiter.continuation.resume(returning: report) }
  }

  mutating func failAll() {
    for waiter in waiters.values.joined() {
      waiter.continuation.resume(throwing: FleetError("the fleet was stopped"))
    }
    waiters = [:]
  }
}
