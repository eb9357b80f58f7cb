import Cryptography
import Testing

@Suite("The cluster secret and its keys")
struct ClusterSecretTests {
  private let bytes = [UInt8](0..<32)

  @Test("Each purpose and each context has its own key, the same in every process")
  func purposes() throws {
    let secret = try ClusterSecret(bytes: bytes)
    let again = try ClusterSecret(bytes: bytes)
    var keys: Set<[UInt8]> = []
    for purpose in ClusterSecret.Purpose.allCases {
      keys.insert(secret.key(for: purpose).bytes)
      keys.insert(secret.key(for: purpose, context: [1]).bytes)
      #expect(secret.key(for: purpose).bytes == again.key(for: purpose).bytes)
    }
    #expect(keys.count == 2 * ClusterSecret.Purpose.allCases.count)
    #expect(secret.id == again.id)
  }

  @Test("A file may hold the secret raw, in hexadecimal or in base64, and former secrets on further lines")
  func files() throws {
    let secret = try ClusterSecret(bytes: bytes)
    #expect(try ClusterKeyring(fileContents: bytes).current.id == secret.id)
    #expect(try ClusterKeyring(fileContents: Array((Hex.encode(bytes.span) + "\n").utf8)).current.id == secret.id)
    let former = SecureRandom.bytes(32)
    let text = "# of May\n\(Base64.encode(bytes.span))\r\n\n  \(Hex.encode(former.span))\n"
    let keyring = try ClusterKeyring(fileContents: Array(text.utf8))
    #expect(keyring.current.id == secret.id)
    #expect(keyring.all.count == 2)
    #expect(keyring.secret(id: try ClusterSecret(bytes: former).id) != nil)
  }

  @Test("A malformed secret is refused by its line, without being shown")
  func malformed() throws {
    let error = #expect(throws: CryptographyError.malformedSecret(line: 2)) {
      try ClusterKeyring(fileContents: Array("\(Hex.encode(bytes.span))\nhunter2\n".utf8))
    }
    #expect(error?.description.contains("hunter2") == false)
    #expect(throws: CryptographyError.malformedSecret(line: 0)) { try ClusterKeyring(fileContents: []) }
    #expect(throws: CryptographyError.malformedSecret(line: 0)) { try ClusterSecret(bytes: [1, 2, 3]) }
  }

  @Test("Neither description nor reflection shows key material")
  func redaction() throws {
    let secret = try ClusterSecret(bytes: bytes)
    var dump = ""
    Swift.dump(secret.key(for: .cookie), to: &dump)
    Swift.dump(secret, to: &dump)
    #expect("\(secret.key(for: .cookie))" == "<secret>")
    #expect(!dump.contains("bytes"))
    #expect(!dump.contains("pseudorandomKey"))
  }
}
