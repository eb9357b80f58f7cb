import Cryptography
import Testing

@Suite("Hashes and message authentication")
struct HashTests {
  @Test(
    "SHA-256 is FIPS 180-4's",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func sha256(text: String, expected: String) {
    #expect(SHA256.hash(Array(text.utf8)).hex == expected)
  }

  @Test("A hasher takes its input in pieces and is as new afterwards")
  func incremental() {
    let hasher = SHA256()
    for _ in 0..<2 {
      for byte in "abc".utf8 { hasher.update([byte]) }
      #expect(hasher.finish() == SHA256.hash(Array("abc".utf8)))
    }
    hasher.update([1, 2, 3])
    hasher.reset()
    #expect(hasher.finish() == SHA256.hash([]))
  }

  @Test("A digest's first 16 bytes are those that stand first")
  func first16() {
    let digest = SHA256.hash(Array("abc".utf8))
    #expect(digest.first16.description == "ba7816bf-8f01-cfea-4141-40de5dae2223")
    #expect(SHA256Digest(bytes: digest.bytes.span) == digest)
    #expect(SHA256Digest(bytes: [1, 2].span) == nil)
  }

  @Test("MD5 is RFC 1321's")
  func md5() {
    #expect(Hex.encode(MD5.hash(Array("message digest".utf8).span).span) == "f96b697d7cb7938d525a2f31aaf161d0")
    #expect(Hex.encode(MD5.hash([UInt8]().span).span) == "d41d8cd98f00b204e9800998ecf8427e")
  }

  /// RFC 4231: test cases 1, 2, 3 and 6 (a key longer than a block).
  @Test(
    "HMAC-SHA-256 is RFC 4231's",
    arguments: [
      (
        [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
      (
        [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
      ),
      (
        [UInt8](repeating: 0xAA, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
      ),
    ])
  func hmac(key: [UInt8], message: [UInt8], expected: String) {
    let mac = HMACSHA256(key: SecretKey(key))
    #expect(mac.authenticate(message.span).hex == expected)
    #expect(mac.authenticate(message.span).hex == expected, "the second message under the same key")
    let cut = HMACSHA256.authenticate(message.span, key: SecretKey(key)).first16
    let accepted = mac.verifies(cut, of: message.span)
    #expect(accepted)
    let forged = mac.verifies(UUID128(high: cut.high, low: cut.low ^ 1), of: message.span)
    #expect(!forged)
  }

  /// RFC 5869, appendix A: test cases 1, 2 and 3 (no salt, no info).
  @Test(
    "HKDF is RFC 5869's",
    arguments: [
      (
        [UInt8](repeating: 0x0B, count: 22), 0x00...0x0C, 0xF0...0xF9,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
      ),
      (
        Array(0x00...0x4F), 0x60...0xAF, 0xB0...0xFF,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09"
          + "b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
      ),
      (
        [UInt8](repeating: 0x0B, count: 22), nil, nil,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
      ),
    ] as [([UInt8], ClosedRange<UInt8>?, ClosedRange<UInt8>?, String)])
  func hkdf(key: [UInt8], salt: ClosedRange<UInt8>?, info: ClosedRange<UInt8>?, expected: String) {
    let extracted = HKDF.extract(inputKey: SecretKey(key), salt: salt.map(Array.init) ?? [])
    let count = expected.utf8.count / 2
    let expanded = HKDF.expand(extracted, info: info.map(Array.init) ?? [], count: count)
    #expect(Hex.encode(expanded.bytes.span) == expected)
  }

  @Test("Equal means every byte")
  func constantTime() {
    #expect(ConstantTime.equal([1, 2, 3], [1, 2, 3]))
    #expect(!ConstantTime.equal([1, 2, 3], [1, 2, 4]))
    #expect(!ConstantTime.equal([1, 2, 3], [1, 2]))
    #expect(ConstantTime.equal([UInt8](), []))
  }
}
