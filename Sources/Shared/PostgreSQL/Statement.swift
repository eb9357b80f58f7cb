import Synchronization

/// An SQL statement with a name. Make each once, as a `static let`: a lane prepares it on each connection's first use
/// of it and then sends only its parameters.
public final class Statement: Sendable {
  /// What errors and metrics call it, such as `devices.upsert`.
  public let name: String
  /// One SQL statement with `$1` ... for parameters.
  public let sql: String
  /// Distinguishes statements of one process; small, so that lanes can index by it.
  let number: Int

  private static let last = Atomic<Int>(0)

  /// Names a statement. Nothing is sent until its first use.
  public init(_ name: String, _ sql: String) {
    self.name = name
    self.sql = sql
    number = Statement.last.wrappingAdd(1, ordering: .relaxed).newValue
  }
}
