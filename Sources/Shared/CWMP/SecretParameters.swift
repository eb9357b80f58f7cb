/// Which names hold secrets: parameters of the data models and arguments of RPCs. Logs, command lines and events show
/// ``SecretParameters/placeholder`` in place of their values. Whatever is secret in a twin (`ParameterPath.isSecret`)
/// is one here; logs hide more, for what they show is gone.
public enum SecretParameters {
  /// What stands in place of a secret.
  public static let placeholder = "***"

  /// Whether a parameter's path or an RPC argument's name is one of a secret: by its last part, in any case. Vendors'
  /// `X_..._Password` and numbered keys (`WEPKey1`) count too.
  public static func isSecret(_ name: some StringProtocol) -> Bool {
    var name = String(name)
    return name.withUTF8 { isSecret($0) }
  }

  static func isSecret(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    let last = name.lastIndex(of: UInt8(ascii: ".")).map { $0 + 1 } ?? 0
    var part = UnsafeBufferPointer(rebasing: name[last...])
    // `WEPKey.1` and `PreSharedKey.1` name the key one part earlier.
    if part.allSatisfy({ (48...57).contains($0) }), last > 1 {
      let start = name[..<(last - 1)].lastIndex(of: UInt8(ascii: ".")).map { $0 + 1 } ?? 0
      part = UnsafeBufferPointer(rebasing: name[start..<(last - 1)])
    }
    while let last = part.last, (48...57).contains(last) { part = UnsafeBufferPointer(rebasing: part.dropLast()) }
    return words.contains { contains(part, $0) } || whole.contains { isSame(part, $0) }
  }

  /// In lower case. `password` also covers ConnectionRequestPassword, STUNPassword, AuthPassword, SIP's and PPP's;
  /// `passphrase` KeyPassphrase and SAEPassphrase.
  private static let words: [StaticString] = [
    "password", "passwd", "passphrase", "presharedkey", "wepkey", "secret", "privatekey", "authkey", "psk",
    "securitykey", "sharedkey", "devicepin", "pincode", "defaultpin", "authenticationkey", "encryptionkey",
    "sessionkey", "credential", "accesstoken", "apikey", "keyvalue",
  ]
  /// What is secret as the whole of a name, before a number.
  private static let whole: [StaticString] = ["pin", "puk", "key"]

  private static func contains(_ text: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard text.count >= length else { return false }
    return (0...(text.count - length)).contains { start in
      isSame(UnsafeBufferPointer(rebasing: text[start..<(start + length)]), word)
    }
  }

  private static func isSame(_ text: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
    text.count == word.utf8CodeUnitCount && text.indices.allSatisfy { text[$0] | 0x20 == word.utf8Start[$0] | 0x20 }
  }
}
