/// `database`: PostgreSQL, the same for every role.
public struct DatabaseConfiguration: Sendable {
  /// A libpq connection string or URI, without a password. Several hosts with `target_session_attrs=read-write` follow
  /// a failover.
  public var url: String
  /// The password, where the server asks for one.
  public var password: SecretSource?
  /// How long a connection attempt may take.
  public var connectTimeout: Duration
  /// How long the server may work on one statement.
  public var statementTimeout: Duration
  /// Whether a standby that is not synchronous is allowed: a failover to it is then a restore (promise P2).
  public var allowsAsynchronousStandby: Bool

  init(_ reader: ConfigurationReader) {
    url = reader.text("url", default: "postgresql:///carillon")
    password = reader.secret("password")
    connectTimeout = reader.duration("connect_timeout", default: .seconds(5), in: .milliseconds(100)...(.seconds(60)))
    statementTimeout = reader.duration("statement_timeout", default: .seconds(30), in: .seconds(1)...(.seconds(600)))
    allowsAsynchronousStandby = reader.boolean("allow_asynchronous_standby", default: false)
    if Self.holdsPassword(url) {
      reader.report("holds a password: put it into a file under 'password_file'", key: "url")
    }
  }

  /// `postgresql://user:password@host/…` or `password=…`.
  private static func holdsPassword(_ url: String) -> Bool {
    if url.contains("password=") { return true }
    guard let scheme = url.firstRange(of: "://") else { return false }
    let authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
    guard let at = authority.lastIndex(of: "@") else { return false }
    return authority[..<at].contains(":")
  }
}
