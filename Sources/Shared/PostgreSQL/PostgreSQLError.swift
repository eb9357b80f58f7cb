/// Why PostgreSQL, or the lane to it, did not do what it was asked. Never holds a parameter's value or a password.
public struct PostgreSQLError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure.
  public enum Kind: Sendable, Equatable {
    /// There is no connection, or it broke; if ``PostgreSQLError/isOutcomeUnknown``, with the statement under way.
    case connectionLost
    /// The deadline came first.
    case deadline
    /// The task that waited was cancelled.
    case cancelled
    /// Too much is waiting on the lane already.
    case queueFull
    /// The lane was closed.
    case closed
    /// The server answered with an error; see ``PostgreSQLError/sqlState``.
    case server
    /// The transaction had failed or ended before.
    case transactionOver
    /// A column is not what the caller took it for.
    case decode
    /// The connection string, a migration or a setting is wrong.
    case misconfigured
  }

  /// What an error of the server asks of who runs batches (docs/architecture.md, section 3).
  public enum Remedy: Sendable {
    /// Wait and do the same again: the connection, a lock, resources or an operator were in the way.
    case retry
    /// Stop: statements and schema do not fit each other, and no record is to blame.
    case stop
    /// Some row of the batch is at fault: halve it until it stands alone.
    case bisect
  }

  /// What kind of failure.
  public var kind: Kind
  /// The server's five characters, such as `23505`; empty unless ``Kind/server``.
  public var sqlState = ""
  /// What happened, in the server's words where it spoke.
  public var message: String
  /// The name of the ``Statement``, where one is to blame.
  public var statement = ""
  /// The table that the server named.
  public var table = ""
  /// The constraint that the server named.
  public var constraint = ""
  /// True if the statements may have been executed, and committed, all the same.
  public var isOutcomeUnknown = false

  /// Creates an error.
  public init(_ kind: Kind, _ message: String, statement: String = "", isOutcomeUnknown: Bool = false) {
    self.kind = kind
    self.message = message
    self.statement = statement
    self.isOutcomeUnknown = isOutcomeUnknown
  }

  /// The statement, SQLSTATE, message, table and constraint.
  public var description: String {
    var text = statement.isEmpty ? "PostgreSQL: " : "PostgreSQL, statement \(statement): "
    text += sqlState.isEmpty ? message : "\(sqlState) \(message)"
    if !table.isEmpty { text += " (table \(table)" + (constraint.isEmpty ? ")" : ", constraint \(constraint))") }
    if isOutcomeUnknown { text += "; whether it took effect is not known" }
    return text
  }
}

extension PostgreSQLError {
  /// What to do about it.
  public var remedy: Remedy {
    switch kind {
    case .connectionLost, .deadline, .cancelled, .queueFull, .closed: return .retry
    case .transactionOver, .decode, .misconfigured: return .stop
    case .server: break
    }
    // A parameter whose bytes do not fit its type is told as a protocol violation: ours, and no retry cures it.
    if sqlState == "08P01" { return .stop }
    switch sqlState.prefix(2) {
    // 26: a statement that this connection had not prepared after all (its preparation was in a pipeline that failed).
    case "08", "25", "26", "40", "53", "55", "57", "58": return .retry
    case "42", "0A": return .stop
    default: return .bisect
    }
  }

  /// Whether the same call may succeed later without anything being changed.
  public var isRetryable: Bool { remedy == .retry }
}
