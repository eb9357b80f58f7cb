import CWMP
import Networking

/// One loop's lines for the history, gathered.
final class HistoryWriter {
  /// What happens outside sessions.
  enum Occurrence {
    case boot
    case reset
    case download(key: String, fault: Int)
  }

  private let file: HistoryFile
  private let loop: EventLoop
  private var lines: [UInt8] = []
  private var timer: LoopTimer?

  init(_ file: HistoryFile, loop: EventLoop) {
    self.file = file
    self.loop = loop
  }

  func record(_ report: SessionReport, of cpe: CPEState) {
    if let acknowledged = report.acknowledgedAt {
      var line = JSONLine("inform", cpe.identity, at: report.startedAt)
      line.add("events", report.events.map(\.code.description))
      line.add("keys", report.events.map(\.commandKey))
      line.add("retry", Int(report.retryCount))
      line.add("acked", Int(acknowledged))
      line.add("software", cpe.value(at: cpe.model.known.softwareVersion, now: 0))
      append(line)
    }
    for key in report.toldTransfers {
      var line = JSONLine("transfer", cpe.identity, at: report.startedAt)
      line.add("key", key)
      append(line)
    }
    for rpc in report.rpcs {
      var line = JSONLine("rpc", cpe.identity, at: report.startedAt)
      line.add("method", rpc.method)
      line.add("id", rpc.id)
      if !rpc.commandKey.isEmpty { line.add("key", rpc.commandKey) }
      line.add("fault", rpc.fault)
      if !rpc.object.isEmpty { line.add("object", rpc.object) }
      if !rpc.values.isEmpty { line.add("values", rpc.values) }
      append(line)
    }
  }

  func record(_ occurrence: Occurrence, of cpe: CPEState) {
    switch occurrence {
    case .boot: append(JSONLine("boot", cpe.identity, at: Clock.milliseconds))
    case .reset: append(JSONLine("reset", cpe.identity, at: Clock.milliseconds))
    case .download(let key, let fault):
      var line = JSONLine("download", cpe.identity, at: Clock.milliseconds)
      line.add("key", key)
      line.add("fault", fault)
      append(line)
    }
  }

  func flush() {
    timer?.cancel()
    timer = nil
    guard !lines.isEmpty else { return }
    file.append(lines)
    lines.removeAll(keepingCapacity: true)
  }

  private func append(_ line: JSONLine) {
    lines.append(contentsOf: line.finished)
    if lines.count > 64 << 10 { return flush() }
    if timer == nil { timer = loop.schedule(after: .milliseconds(500)) { [weak self] in self?.flush() } }
  }
}
