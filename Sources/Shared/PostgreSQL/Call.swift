/// A statement with its parameters: what lanes queue and send.
public struct Call: Sendable {
  /// What to run.
  public let statement: Statement
  /// `$1` and on.
  public let parameters: [PostgreSQLValue]

  /// A call of `statement`.
  public init(_ statement: Statement, _ parameters: [PostgreSQLValue]) {
    self.statement = statement
    self.parameters = parameters
  }

  /// A call of `statement`.
  public init(_ statement: Statement, _ parameters: PostgreSQLValue...) {
    self.init(statement, parameters)
  }

  /// About how many bytes it takes on the wire.
  var byteCount: Int { parameters.reduce(64) { $0 + $1.byteCount } }
}
