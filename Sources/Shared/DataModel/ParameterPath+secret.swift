extension ParameterPath {
  /// Whether the parameter's value is a secret by its name: a CPE never gives it back (item 115), the twin never keeps
  /// it, and only a device that came with its own credential is sent it.
  public var isSecret: Bool {
    guard !isObject else { return false }
    let name = text.utf8[Self.startOfLastSegment(text)...]
    return Self.secretEndings.contains { Self.hasSuffix(name, $0) } || Self.isKey(name)
  }

  /// Endings, in lower case, of the hidden parameters of TR-098, TR-104, TR-140 and TR-181.
  private static let secretEndings: [StaticString] = [
    "password", "passphrase", "presharedkey", "secret", "wepkey", "wepkey64bit", "wepkey128bit", "privatekey",
    "secretkey", "sharedsecret", "authkey", "passwd", "pin", "psk", "saepassphrase", "puk", "challengepassword",
    "encryptionkey", "authenticationkey", "securitykey", "sharedkey", "sessionkey", "keyvalue", "pincode",
    "accesstoken", "apikey",
  ]

  /// `ConnectionRequestUsername` is no secret, `Radio.1.Key` is: a name that is `Key`, or `WEPKey` with a number.
  private static func isKey(_ name: Substring.UTF8View) -> Bool {
    var name = name
    while let last = name.last, last >= UInt8(ascii: "0"), last <= UInt8(ascii: "9") { name.removeLast() }
    return (name.count == 3 && hasSuffix(name, "key")) || hasSuffix(name, "wepkey")
  }

  private static func startOfLastSegment(_ text: String) -> String.Index {
    text.utf8.lastIndex(of: UInt8(ascii: ".")).map { text.utf8.index(after: $0) } ?? text.startIndex
  }

  private static func hasSuffix(_ name: Substring.UTF8View, _ ending: StaticString) -> Bool {
    ending.withUTF8Buffer { ending in
      guard name.count >= ending.count else { return false }
      return zip(name.suffix(ending.count), ending).allSatisfy { lowercased($0) == $1 }
    }
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }
}
