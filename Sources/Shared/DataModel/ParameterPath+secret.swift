extension ParameterPath {
  /// Whether the parameter's value is a secret by its name: a CPE never gives it back (item 115), the twin never keeps
  /// it, and only a device that came with its own credential is sent it.
  public var isSecret: Bool {
    guard !isObject else { return false }
    var text = text
    return text.withUTF8 { bytes in
      let start = bytes.lastIndex(of: UInt8(ascii: ".")).map { $0 + 1 } ?? 0
      let name = UnsafeBufferPointer(rebasing: bytes[start...])
      return Self.secretEndings.contains { Self.hasSuffix(name, $0) } || Self.isKey(name)
    }
  }

  /// Endings, in lower case, of the hidden parameters of TR-098, TR-104, TR-140 and TR-181.
  private static let secretEndings: [StaticString] = [
    "password", "passphrase", "presharedkey", "secret", "wepkey", "wepkey64bit", "wepkey128bit", "privatekey",
    "secretkey", "sharedsecret", "authkey", "passwd", "pin", "psk", "saepassphrase", "puk", "challengepassword",
    "encryptionkey", "authenticationkey", "securitykey", "sharedkey", "sessionkey", "keyvalue", "pincode",
    "accesstoken", "apikey",
  ]

  /// `ConnectionRequestUsername` is no secret, `Radio.1.Key` is: a name that is `Key`, or `WEPKey` with a number.
  private static func isKey(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    let letters = name.lastIndex { $0 < UInt8(ascii: "0") || $0 > UInt8(ascii: "9") }.map { $0 + 1 } ?? 0
    let name = UnsafeBufferPointer(rebasing: name[..<letters])
    return (name.count == 3 && hasSuffix(name, "key")) || hasSuffix(name, "wepkey")
  }

  // Asked of every reported value: from the end, where most names differ at once.
  private static func hasSuffix(_ name: UnsafeBufferPointer<UInt8>, _ ending: StaticString) -> Bool {
    guard name.count >= ending.utf8CodeUnitCount else { return false }
    var place = name.count
    for letter in UnsafeBufferPointer(start: ending.utf8Start, count: ending.utf8CodeUnitCount).reversed() {
      place -= 1
      guard lowercased(name[place]) == letter else { return false }
    }
    return true
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }
}
