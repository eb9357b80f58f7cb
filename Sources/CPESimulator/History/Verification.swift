import CWMP
import Cryptography

/// Something that a CPE knows and the server does not, or otherwise.
public struct Difference: Sendable, Equatable, CustomStringConvertible {
  /// The kinds.
  public enum Kind: String, Sendable {
    /// The server does not know the device though it has acknowledged its Inform.
    case unknownDevice = "unknown_device"
    /// The server lacks an Inform, or the effect of one, that it has acknowledged.
    case lostInform = "lost_inform"
    /// The server lacks a TransferComplete that it has acknowledged.
    case lostTransfer = "lost_transfer"
    /// An acknowledged Inform told of a BOOT or BOOTSTRAP, and nobody was told northbound.
    case lostEvent = "lost_event"
    /// Northbound events came out of their order, or two under one number.
    case eventOrder = "event_order"
    /// A record of the device went to the dead letters.
    case deadLetter = "dead_letter"
    /// A value that was set is another one at the server, or missing.
    case value
    /// An RPC that must not be repeated was carried out more than once.
    case repeatedRPC = "repeated_rpc"
    /// An RPC was carried out for which the server has no task, or no such attempt.
    case extraRPC = "extra_rpc"
    /// The server says that a task has succeeded, and the CPE has not carried it out.
    case phantomSuccess = "phantom_success"
  }

  /// The device's identity.
  public var device: String
  /// The kind.
  public var kind: Kind
  /// What exactly.
  public var detail: String

  /// `00D09E-Carillon-00000001: repeated_rpc: ...`.
  public var description: String { "\(device): \(kind.rawValue): \(detail)" }
}

/// Compares what CPEs have done with what the server knows. Pure.
public enum Verification {
  /// The methods that are never to be repeated blindly (docs/architecture.md, P4).
  static let onceMethods: Set<String> = ["Reboot", "FactoryReset", "AddObject", "Download", "Upload", "ChangeDUState"]

  /// By how much the clocks of simulator and server may differ, in milliseconds.
  static let clockTolerance: Int64 = 1_000

  /// The differences of one device; nil for a device that the server does not know.
  public static func differences(
    of identity: String, _ history: DeviceHistory, _ server: ServerDevice?
  ) -> [Difference] {
    guard let server else {
      guard !history.informs.isEmpty else { return [] }
      return [Difference(device: identity, kind: .unknownDevice, detail: "its Inform was acknowledged")]
    }
    var found: [Difference] = []
    func add(_ kind: Difference.Kind, _ detail: String) {
      found.append(Difference(device: identity, kind: kind, detail: detail))
    }
    compareInform(history, server, add)
    if let log = server.log { compareLog(history, log, add) }
    for (path, value) in history.values.sorted(by: { $0.key < $1.key }) {
      switch server.parameters[path] {
      case .none, .some(.none): add(.value, "\(path) was set and is not known")
      case .some(.some(let known)) where known != value: add(.value, "\(path) is \(value), the server has \(known)")
      default: break
      }
    }
    compareRPCs(history, server, add)
    return found
  }

  private static func compareInform(
    _ history: DeviceHistory, _ server: ServerDevice, _ add: (Difference.Kind, String) -> Void
  ) {
    guard let last = history.informs.last else { return }
    let informed = last.time.lowerBound
    let text = told(last)
    guard let known = server.lastInform else { return add(.lostInform, "\(text), the server has none") }
    if known < informed - clockTolerance {
      add(.lostInform, "\(text), the server's last is of \(time(known))")
    } else if let version = history.softwareVersion, server.softwareVersion != version {
      add(.lostInform, "\(text) with version \(version), the server has \(server.softwareVersion ?? "none")")
    }
  }

  /// Every acknowledged Inform has a record of its own, taken between its sending and the answer; what happened to the
  /// device by its events was told northbound, with that record or, where the Inform was a repeated one, with one since
  /// the Inform before.
  private static func compareLog(
    _ history: DeviceHistory, _ log: ServerDevice.Log, _ add: (Difference.Kind, String) -> Void
  ) {
    var next = 0
    for inform in history.informs {
      let records = log.informs.indices.dropFirst(next).filter { log.informs[$0].events == inform.events }
      func taken(_ tolerance: Int64) -> Int? {
        let time = (inform.time.lowerBound - tolerance)...(inform.time.upperBound + tolerance)
        return records.first { time.contains(log.informs[$0].time) }
      }
      guard let record = taken(0) ?? taken(clockTolerance) else {
        add(.lostInform, "\(told(inform)), the log has no record of it")
        continue
      }
      let sessions = Set(log.informs[next...record].map(\.session))
      for (code, event) in events where inform.events.contains(code) {
        guard log.events[event, default: []].isDisjoint(with: sessions) else { continue }
        add(.lostEvent, "\(told(inform)), and \(event) was not told")
      }
      next = record + 1
    }
    if log.transfers < history.transfers {
      add(.lostTransfer, "\(history.transfers) TransferCompletes were acknowledged, the log has \(log.transfers)")
    }
    compareEvents(log.told, add)
    if log.deadLetters > 0 { add(.deadLetter, "\(log.deadLetters) records went to the dead letters") }
  }

  /// At least once, in order, each with an id of its own (P5): what comes again comes under its number and id, what is
  /// new comes after all before it, and no number between is missing.
  private static func compareEvents(
    _ told: [ServerDevice.Log.Told], _ add: (Difference.Kind, String) -> Void
  ) {
    var ids: [Int: String] = [:]
    var last: [String: Int] = [:]
    for event in told {
      if let id = ids[event.sequence] {
        if id != event.id { add(.eventOrder, "event \(event.sequence) is \(id) and \(event.id)") }
        continue
      }
      ids[event.sequence] = event.id
      if let before = last[event.topic], before > event.sequence {
        add(.eventOrder, "event \(event.sequence) came after \(before)")
      }
      last[event.topic] = max(last[event.topic] ?? 0, event.sequence)
    }
    guard let least = ids.keys.min(), let most = ids.keys.max() else { return }
    for missing in least...most where ids[missing] == nil { add(.lostEvent, "event \(missing) was not told") }
  }

  /// What is told northbound of an Inform's events.
  private static let events = [
    ("0 BOOTSTRAP", "carillon.device.bootstrapped.v1"), ("1 BOOT", "carillon.device.booted.v1"),
  ]

  private static func told(_ inform: DeviceHistory.AcknowledgedInform) -> String {
    "the Inform of \(time(inform.time.lowerBound)) (\(inform.events.joined(separator: ", "))) was acknowledged"
  }

  private static func compareRPCs(
    _ history: DeviceHistory, _ server: ServerDevice, _ add: (Difference.Kind, String) -> Void
  ) {
    let tasks = Dictionary(server.tasks.map { ($0.id, $0) }) { first, _ in first }
    var executed: [String: Int] = [:]
    for (id, execution) in history.executions.sorted(by: { $0.key < $1.key }) {
      guard onceMethods.contains(execution.method) else { continue }
      if execution.count > 1 { add(.repeatedRPC, "\(execution.method) \(id) was carried out \(execution.count) times") }
      guard let (task, attempt) = attempt(id), let known = tasks[task], known.method == execution.method else {
        add(.extraRPC, "\(execution.method) \(id) is no task of the server's")
        continue
      }
      // A transfer that failed has done nothing.
      if !history.failedTransfers.contains(id) { executed[task, default: 0] += 1 }
      if attempt > known.attempt {
        add(.extraRPC, "\(execution.method) \(id) is attempt \(attempt) of a task with \(known.attempt)")
      }
    }
    for (task, count) in executed.sorted(by: { $0.key < $1.key }) where count > 1 {
      add(.repeatedRPC, "\(tasks[task]?.method ?? "") of task \(task) was carried out in \(count) attempts")
    }
    for task in server.tasks where task.state == "succeeded" && onceMethods.contains(task.method) {
      guard let begin = history.begin, task.createdAt > begin, executed[task.id] == nil else { continue }
      // Of a Reboot that was sent and not answered any restart afterwards is evidence, whatever caused it.
      if task.method == "Reboot", let boot = history.lastBoot, boot >= task.createdAt { continue }
      add(.phantomSuccess, "\(task.method) of task \(task.id) was never carried out")
    }
  }

  /// The task and attempt that a CommandKey names.
  static func attempt(_ key: String) -> (task: String, attempt: Int)? {
    guard key.utf8.count > 22, let attempt = Int(key.dropFirst(22)),
      let task = UUID128(base64URL: Array(key.utf8.prefix(22)).span)
    else { return nil }
    return (task.description, attempt)
  }

  private static func time(_ milliseconds: Int64) -> String {
    DateTimeText(microseconds: milliseconds * 1_000, milliseconds: true).text
  }
}
