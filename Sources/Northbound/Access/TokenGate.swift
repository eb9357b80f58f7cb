import Cryptography
import HTTP
import Networking

/// Who may use the API: whoever brings a token whose hash is in `api_token`. What was found good is remembered for a
/// moment, so that a busy client costs no look-up a request. Lives on its loop.
actor TokenGate {
  /// How long a token is taken for good without asking again.
  static let patience = Duration.seconds(10)
  private static let capacity = 1024

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private nonisolated let loop: EventLoop
  private let tokens: TokenStore
  private var known: [SHA256Digest: (holder: String, until: ContinuousClock.Instant)] = [:]

  init(_ tokens: TokenStore, on loop: EventLoop) {
    self.tokens = tokens
    self.loop = loop
  }

  /// The name of the token that a request brings.
  ///
  /// - Throws: ``Problem`` of kind `unauthorized`; `PostgreSQLError`.
  func holder(of request: APIRequest) async throws -> String {
    guard let token = Self.token(in: request.head["authorization"]) else {
      throw Problem(.unauthorized, "send the field 'Authorization: Bearer TOKEN'")
    }
    let hash = TokenStore.hash(token)
    let now = ContinuousClock.now
    if let entry = known[hash], entry.until > now { return entry.holder }
    guard let holder = try await tokens.holder(of: hash) else {
      known[hash] = nil
      throw Problem(.unauthorized, "the token is not known, was revoked or has expired")
    }
    if known.count >= Self.capacity { known.removeAll() }
    known[hash] = (holder, now + Self.patience)
    return holder
  }

  /// The token of an Authorization field (RFC 6750 §2.1); nil where there is none.
  static func token(in field: String?) -> String? {
    guard let field else { return nil }
    let parts = field.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    let token = parts[1].filter { $0 != " " }
    return (1...512).contains(token.utf8.count) ? token : nil
  }
}
