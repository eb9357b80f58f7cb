import CPESimulator
import Glibc
import Networking
import Operations
import Synchronization

/// `carillon-cpe run` and `load`: starts a fleet, shows how it goes, sums up.
struct FleetCommand {
  private let options: FleetOptions
  private let printsJSON: Bool
  private let showsProgress: Bool

  init(_ arguments: Arguments) throws {
    options = try FleetOptions(arguments)
    printsJSON = arguments.has("json")
    showsProgress = !arguments.has("quiet") && Terminal.isInteractive
  }

  func execute() async throws -> Int32 {
    let loops = try (0..<options.loops).map { try EventLoop(name: "cpe-\($0)") }
    let interrupted = Interruption()
    try await loops[0].run { interrupted.watch(on: loops[0]) }
    let fleet = try await Fleet(options.settings, loops: loops)
    var meter = Meter()
    try await fleet.start()
    if options.warmUp > 0 {
      try await loops[0].sleep(for: .seconds(options.warmUp))
      meter.restart(from: try await fleet.statistics())
    }
    let isDone = try await wait(fleet, &meter, loops[0], interrupted)
    let elapsed = meter.seconds
    let cpu = meter.cpuSeconds
    try await fleet.windDown(patience: interrupted.isRaised ? .zero : .seconds(10))
    let total = meter.sinceStart(try await fleet.statistics())
    try await fleet.stop()
    for loop in loops { await loop.shutdown() }
    if showsProgress { Terminal.progress("") }
    let summary = FleetSummary(total, cpes: options.settings.count, seconds: elapsed, cpuSeconds: cpu)
    print(printsJSON ? summary.json : summary.text)
    return isDone ? 0 : 2
  }

  /// True if what was waited for has come: all are provisioned, or the time or the count is over.
  private func wait(
    _ fleet: Fleet, _ meter: inout Meter, _ loop: EventLoop, _ interrupted: Interruption
  ) async throws -> Bool {
    var shownAt = 0.0
    while !interrupted.isRaised {
      try await loop.sleep(for: .milliseconds(100))
      let now = try await fleet.statistics()
      let seconds = meter.seconds
      if options.untilProvisioned, now.provisioned >= options.settings.count { return true }
      if let wanted = options.sessions, meter.sinceStart(now).ended >= wanted { return true }
      if let duration = options.duration, seconds >= duration { return !options.untilProvisioned }
      guard showsProgress, seconds - shownAt >= 1 else { continue }
      Terminal.progress(meter.progress(now, cpes: options.settings.count, over: seconds - shownAt))
      shownAt = seconds
    }
    return !options.untilProvisioned
  }
}

/// Whether the process was asked to end, by SIGINT or SIGTERM.
final class Interruption: Sendable {
  private let raised = Atomic<Bool>(false)

  var isRaised: Bool { raised.load(ordering: .relaxed) }

  func watch(on loop: EventLoop) {
    for signal in [SIGINT, SIGTERM] {
      _ = loop.watchSignal(signal) { self.raised.store(true, ordering: .relaxed) }
    }
  }
}
