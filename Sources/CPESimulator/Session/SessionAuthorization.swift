import Cryptography

/// A session's HTTP authentication: none until challenged, or Basic from the start.
struct SessionAuthorization: Sendable {
  private let credentials: ACSCredentials
  private var challenge: DigestChallenge?
  private var nonceCount: UInt32 = 0
  private var basic: String?
  private var refusals = 0

  init(_ credentials: ACSCredentials, basicAtOnce: Bool) {
    self.credentials = credentials
    if basicAtOnce { basic = Self.basic(credentials) }
  }

  /// The `Authorization` of the next POST; nil if none is asked for.
  mutating func header(target: String) -> String? {
    guard let challenge else { return basic }
    nonceCount += 1
    return challenge.answer(
      username: credentials.username, password: credentials.password, method: "POST", uri: target,
      clientNonce: SecureRandom.token(16), nonceCount: nonceCount)
  }

  /// Takes a 401's challenges: Digest before Basic.
  ///
  /// - Returns: false if the credentials are refused, or nothing that is known here is asked for.
  mutating func challenged(_ values: [String]) -> Bool {
    refusals += 1
    for value in values {
      guard let found = DigestChallenge.parse(Array(value.utf8).span) else { continue }
      // Once answered, only a stale nonce is a reason to answer again.
      guard challenge == nil || found.isStale, refusals <= 3 else { return false }
      challenge = found
      nonceCount = 0
      return true
    }
    guard basic == nil, values.contains(where: { $0.lowercased().hasPrefix("basic") }) else { return false }
    basic = Self.basic(credentials)
    return true
  }

  private static func basic(_ credentials: ACSCredentials) -> String {
    "Basic " + Base64.encode(Array("\(credentials.username):\(credentials.password)".utf8).span)
  }
}
