import Synchronization

/// What must hold before a process takes work, each condition told by the part that knows (architecture, section 10).
public final class ReadinessBoard: Sendable {
  private struct Condition {
    var reason: String?
    var isStopping = false
  }

  private let conditions = Mutex<[String: Condition]>([:])

  /// A board without conditions, which is ready.
  public init() {}

  /// Declares a condition that does not hold yet.
  public func expect(_ name: String, reason: String = "not started yet") {
    conditions.withLock { $0[name] = Condition(reason: reason) }
  }

  /// Tells that a condition holds.
  public func ready(_ name: String) {
    conditions.withLock { $0[name] = Condition(reason: nil) }
  }

  /// Tells that a condition does not hold, and why.
  public func notReady(_ name: String, reason: String) {
    conditions.withLock { $0[name] = Condition(reason: reason) }
  }

  /// Tells that a part was told to stop: it serves what it has, and should get nothing new.
  public func stopping(_ name: String) {
    conditions.withLock { $0[name] = Condition(reason: "stopping", isStopping: true) }
  }

  /// Whether any part was told to stop.
  public var isStopping: Bool { conditions.withLock { $0.values.contains(where: \.isStopping) } }

  /// The conditions that do not hold, by name; empty means ready.
  public var missing: [(name: String, reason: String)] {
    conditions.withLock { conditions in
      conditions.compactMap { name, condition in condition.reason.map { (name: name, reason: $0) } }
    }.sorted { $0.name < $1.name }
  }

  /// Whether all conditions hold.
  public var isReady: Bool { missing.isEmpty }

  /// The answer's body: `{"ready":false,"missing":{"database":"connection refused"}}`.
  func json() -> [UInt8] {
    let missing = missing
    var bytes: [UInt8] = []
    bytes.append(ascii: missing.isEmpty ? "{\"ready\":true" : "{\"ready\":false,\"missing\":{")
    for (index, condition) in missing.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      JSONText.append(condition.name, to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      JSONText.append(condition.reason, limit: 500, to: &bytes)
    }
    bytes.append(ascii: missing.isEmpty ? "}\n" : "}}\n")
    return bytes
  }
}
