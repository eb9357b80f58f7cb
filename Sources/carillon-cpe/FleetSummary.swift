import CPESimulator

/// What a run came to, for people and for scripts.
struct FleetSummary {
  private let statistics: FleetStatistics
  private let cpes: Int
  private let seconds: Double
  private let cpuSeconds: Double

  init(_ statistics: FleetStatistics, cpes: Int, seconds: Double, cpuSeconds: Double) {
    self.statistics = statistics
    self.cpes = cpes
    self.seconds = seconds
    self.cpuSeconds = cpuSeconds
  }

  private var sessionsPerSecond: Double { Double(statistics.completed) / max(seconds, 0.001) }
  private var cpuMicroseconds: Double { cpuSeconds * 1_000_000 / Double(max(1, statistics.ended)) }

  /// Lines for people.
  var text: String {
    var lines = [
      "sessions     \(statistics.completed) completed, \(statistics.ended - statistics.completed) failed, "
        + "\(Self.fixed(sessionsPerSecond, 1))/s over \(Self.fixed(seconds, 1)) s",
      "provisioned  \(statistics.provisioned) of \(cpes)",
      "session      p50 \(milliseconds(statistics.sessionLatency, 0.5)) ms, "
        + "p99 \(milliseconds(statistics.sessionLatency, 0.99)) ms",
      "POST         p50 \(milliseconds(statistics.postLatency, 0.5)) ms, "
        + "p99 \(milliseconds(statistics.postLatency, 0.99)) ms (\(statistics.posts) POSTs)",
      "simulator    \(Self.fixed(cpuMicroseconds, 0)) µs of CPU a session",
    ]
    if !statistics.rpcs.isEmpty {
      lines.append(
        "RPC step     p50 \(milliseconds(statistics.stepLatency, 0.5)) ms, "
          + "p99 \(milliseconds(statistics.stepLatency, 0.99)) ms (\(statistics.stepLatency.count) steps)")
    }
    if !statistics.rpcs.isEmpty { lines.append("RPCs         " + Self.counts(statistics.rpcs)) }
    if !statistics.faults.isEmpty {
      lines.append(
        "faults       "
          + Self.counts(
            Dictionary(
              uniqueKeysWithValues: statistics.faults.map { (String($0.key), $0.value) })))
    }
    if !statistics.failures.isEmpty { lines.append("failures     " + Self.counts(statistics.failures)) }
    return lines.joined(separator: "\n")
  }

  /// One object for scripts.
  var json: String {
    var fields = [
      "\"cpes\":\(cpes)", "\"seconds\":\(Self.fixed(seconds, 3))", "\"completed\":\(statistics.completed)",
      "\"failed\":\(statistics.ended - statistics.completed)",
      "\"sessions_per_s\":\(Self.fixed(sessionsPerSecond, 1))", "\"provisioned\":\(statistics.provisioned)",
      "\"informs\":\(statistics.acknowledgedInforms)", "\"posts\":\(statistics.posts)",
      "\"connection_requests\":\(statistics.connectionRequests)", "\"downloads\":\(statistics.downloads)",
      "\"p50_ms\":\(milliseconds(statistics.sessionLatency, 0.5))",
      "\"p99_ms\":\(milliseconds(statistics.sessionLatency, 0.99))",
      "\"post_p50_ms\":\(milliseconds(statistics.postLatency, 0.5))",
      "\"post_p99_ms\":\(milliseconds(statistics.postLatency, 0.99))",
      "\"post_max_ms\":\(milliseconds(statistics.postLatency, 1))",
      "\"steps\":\(statistics.stepLatency.count)",
      "\"step_p50_ms\":\(milliseconds(statistics.stepLatency, 0.5))",
      "\"step_p99_ms\":\(milliseconds(statistics.stepLatency, 0.99))",
      "\"response_p50_ms\":\(milliseconds(statistics.responseLatency, 0.5))",
      "\"response_p99_ms\":\(milliseconds(statistics.responseLatency, 0.99))",
      "\"cpu_us_per_session\":\(Self.fixed(cpuMicroseconds, 1))",
    ]
    fields.append("\"rpcs\":\(Self.object(statistics.rpcs))")
    fields.append("\"failures\":\(Self.object(statistics.failures))")
    return "{\(fields.joined(separator: ","))}"
  }

  private func milliseconds(_ latency: LatencyRecorder, _ part: Double) -> String {
    Self.fixed(Double(latency.percentile(part)) / 1_000, 2)
  }

  private static func counts(_ counts: [String: Int]) -> String {
    counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }

  private static func object(_ counts: [String: Int]) -> String {
    let fields = counts.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
    return "{\(fields.joined(separator: ","))}"
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int64((value * scale).rounded())
    guard digits > 0 else { return String(scaled) }
    let fraction = String(scaled % Int64(scale))
    return "\(scaled / Int64(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
  }
}
