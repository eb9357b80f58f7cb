/// Who waits for the end of which session, and the reports of the last ones.
struct SessionWaiters {
  typealias Continuation = CheckedContinuation<SessionReport, any Error>

  private struct Waiter {
    let identity: UInt64
    let number: UInt32
    let continuation: Continuation
  }

  private var waiters: [Int: [Waiter]] = [:]
  private var kept: [Int: [SessionReport]] = [:]
  private var isStopped = false

  /// Waits for the end of a CPE's session of a number, or takes the report of one that has ended already.
  mutating func add(_ cpe: SimulatedCPE, number: UInt32, identity: UInt64, _ continuation: Continuation) {
    if let report = kept[cpe.place]?.first(where: { $0.number == number }) {
      return continuation.resume(returning: report)
    }
    if isStopped { return continuation.resume(throwing: FleetError("the fleet was stopped")) }
    if cpe.sessions > number || (cpe.sessions == number && cpe.session == nil) {
      let advice = "session \(number) of CPE \(cpe.state.identity.index) is over; set keptReports to look back"
      return continuation.resume(throwing: FleetError(advice))
    }
    waiters[cpe.place, default: []].append(Waiter(identity: identity, number: number, continuation: continuation))
  }

  mutating func cancel(_ place: Int, _ identity: UInt64) {
    guard let index = waiters[place]?.firstIndex(where: { $0.identity == identity }) else { return }
    waiters[place]?.remove(at: index).continuation.resume(throwing: CancellationError())
  }

  mutating func sessionEnded(_ cpe: SimulatedCPE, _ report: SessionReport, keeping count: Int) {
    if count > 0 {
      kept[cpe.place, default: []].append(report)
      if kept[cpe.place, default: []].count > count { kept[cpe.place]?.removeFirst() }
    }
    guard let waiting = waiters[cpe.place] else { return }
    let rest = waiting.filter { $0.number != report.number }
    waiters[cpe.place] = rest.isEmpty ? nil : rest
    for waiter in waiting where waiter.number == report.number { waiter.continuation.resume(returning: report) }
  }

  mutating func failAll() {
    isStopped = true
    for waiter in waiters.values.joined() {
      waiter.continuation.resume(throwing: FleetError("the fleet was stopped"))
    }
    waiters = [:]
  }
}
