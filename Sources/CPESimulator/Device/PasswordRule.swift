/// A password for each CPE from one text: `{serial}` and `{index}` in it stand for the CPE's own.
public struct PasswordRule: Sendable {
  private let text: String

  /// A rule of a text; without `{serial}` or `{index}` all CPEs share one password.
  public init(_ text: String) { self.text = text }

  /// The password of a CPE.
  public func password(of identity: CPEIdentity) -> String {
    text.replacing("{serial}", with: identity.serialNumber).replacing("{index}", with: String(identity.index))
  }
}
