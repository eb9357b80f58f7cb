import CPESimulator
import Glibc

/// Time, CPU and progress of a run.
struct Meter {
  private var startedAt = ContinuousClock.now
  private var cpuAtStart = Meter.cpu
  private var base = FleetStatistics()
  private var shown = 0

  /// Counts from here on.
  mutating func restart(from statistics: FleetStatistics) {
    startedAt = .now
    cpuAtStart = Self.cpu
    base = statistics
  }

  /// Since the start.
  var seconds: Double { Self.seconds(ContinuousClock.now - startedAt) }

  /// CPU of this process since the start, user and system.
  var cpuSeconds: Double { Self.cpu - cpuAtStart }

  /// What was done since the start.
  func sinceStart(_ statistics: FleetStatistics) -> FleetStatistics { statistics.since(base) }

  /// One line.
  mutating func progress(_ now: FleetStatistics, cpes: Int, over seconds: Double) -> String {
    let ended = now.ended
    let rate = Double(ended - shown) / max(seconds, 0.001)
    shown = ended
    let failed = ended - now.completed
    return
      "\(Int(self.seconds)) s  \(ended) sessions (\(Int(rate))/s, \(failed) failed)  \(now.open) open, "
      + "\(now.waiting) waiting  \(now.provisioned)/\(cpes) provisioned  "
      + "p99 \(now.sessionLatency.percentile(0.99) / 1_000) ms"
  }

  private static var cpu: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
    return Double(seconds) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1_000_000
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }
}
