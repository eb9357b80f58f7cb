import Cryptography
public import PostgreSQL

/// Why a token was not made.
public enum TokenError: Error, Sendable, CustomStringConvertible {
  /// A name is 1 to 64 letters, digits, `-`, `_`, `.`.
  case invalidName
  /// There is a token of that name.
  case nameTaken(String)

  /// What is wrong and what to do.
  public var description: String {
    switch self {
    case .invalidName: "a token's name has 1 to 64 letters, digits, '-', '_' and '.'"
    case .nameTaken(let name): "there is a token named '\(name)'; revoke it first, or take another name"
    }
  }
}

/// The bearer tokens of the API: table `api_token`, which keeps only their hashes. `carillon token create|list|revoke`.
public struct TokenStore: Sendable {
  /// A token as it is known: without the token.
  public struct Entry: Sendable {
    /// What it is called in logs and in tasks' `origin_name`.
    public var name: String
    /// Microseconds since 1970.
    public var createdAt: Int64
    /// Microseconds since 1970; nil never.
    public var expiresAt: Int64?
  }

  private let lane: Lane

  /// A store.
  public init(_ lane: Lane) { self.lane = lane }

  /// Makes a token.
  ///
  /// - Parameters:
  ///   - name: whose it is; unique.
  ///   - lifetime: how long it is good for; nil is for ever.
  /// - Returns: the token, which nobody can learn again.
  /// - Throws: ``TokenError``; `PostgreSQLError`.
  public func create(_ name: String, lifetime: Duration? = nil) async throws -> String {
    let token = "carillon_" + SecureRandom.token(40)
    try await adopt(name, token: token, lifetime: lifetime)
    return token
  }

  /// Stores a token that was made elsewhere, such as by a deployment's secret store; it should carry 128 bits of
  /// chance.
  ///
  /// - Throws: ``TokenError``; `PostgreSQLError`.
  public func adopt(_ name: String, token: String, lifetime: Duration? = nil) async throws {
    guard Names.isName(name) else { throw TokenError.invalidName }
    let made = try await lane.query(
      Self.insert, .text(name), .bytes(Self.hash(token).bytes), .int64(orNull: lifetime?.components.seconds))
    guard made.affected == 1 else { throw TokenError.nameTaken(name) }
  }

  /// Stores a token in the place of the one of that name, if there is one, in one step.
  ///
  /// - Throws: ``TokenError``; `PostgreSQLError`, also where another name has the token already.
  public func replace(_ name: String, token: String) async throws {
    guard Names.isName(name) else { throw TokenError.invalidName }
    _ = try await lane.query(Self.upsert, .text(name), .bytes(Self.hash(token).bytes))
  }

  /// Whether there is a token of that name.
  public func has(_ name: String) async throws -> Bool { try await list().contains { $0.name == name } }

  /// All tokens by name.
  public func list() async throws -> [Entry] {
    try await lane.query(Self.all).map {
      Entry(name: try $0.text(0), createdAt: try $0.timestamp(1), expiresAt: try $0.optionalTimestamp(2))
    }
  }

  /// Ends a token, everywhere within ``TokenGate/patience``. False: there is none of that name.
  public func revoke(_ name: String) async throws -> Bool {
    try await lane.query(Self.delete, .text(name)).affected == 1
  }

  /// Whose token this is; nil: nobody's, or it has expired.
  func holder(of hash: SHA256Digest) async throws(PostgreSQLError) -> String? {
    try await lane.query(Self.find, .bytes(hash.bytes)).first?.text(0)
  }

  /// What is stored of a token. No salt: tokens are random, so there is nothing to guess.
  static func hash(_ token: String) -> SHA256Digest { SHA256.hash(Array(token.utf8)) }

  private static let insert = Statement(
    "tokens.insert",
    """
    INSERT INTO api_token (name, hash, created_at, expires_at)
    VALUES ($1, $2, now(), now() + make_interval(secs => $3::bigint)) ON CONFLICT DO NOTHING
    """)
  private static let upsert = Statement(
    "tokens.upsert",
    """
    INSERT INTO api_token (name, hash, created_at) VALUES ($1, $2, now())
    ON CONFLICT (name) DO UPDATE SET hash = EXCLUDED.hash, created_at = EXCLUDED.created_at, expires_at = NULL
     WHERE api_token.hash <> EXCLUDED.hash OR api_token.expires_at IS NOT NULL
    """)
  private static let all = Statement(
    "tokens.all", "SELECT name, created_at, expires_at FROM api_token ORDER BY name")
  private static let delete = Statement("tokens.delete", "DELETE FROM api_token WHERE name = $1")
  private static let find = Statement(
    "tokens.find", "SELECT name FROM api_token WHERE hash = $1 AND (expires_at IS NULL OR expires_at > now())")
}
