/// What a CPE proves itself with to the ACS.
public struct ACSCredentials: Sendable, Hashable {
  /// The user's name.
  public var username: String
  /// The password; never logged.
  public var password: String

  /// Credentials of these parts.
  public init(username: String, password: String) {
    self.username = username
    self.password = password
  }

  /// Reads `user:password`; nil without a colon.
  public init?(_ text: String) {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    self.init(username: String(text[..<colon]), password: String(text[text.index(after: colon)...]))
  }
}
