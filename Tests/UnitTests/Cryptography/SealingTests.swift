import Testing

@testable import Cryptography

@Suite("Sealed values")
struct SealingTests {
  private let keyring: ClusterKeyring

  init() throws {
    keyring = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 7, count: 32)))
  }

  /// NIST's GCM test vectors (McGrew and Viega), cases 14 and 16: 256-bit keys, without and with associated data.
  @Test("AES-256-GCM is NIST's")
  func vectors() throws {
    var output: [UInt8] = []
    let zeros = [UInt8](repeating: 0, count: 16)
    let zeroKey = SecretKey([UInt8](repeating: 0, count: 32))
    try AESGCM.seal(
      zeros.span, key: zeroKey, nonce: [UInt8](repeating: 0, count: 12), associatedData: [UInt8]().span, onto: &output)
    #expect(Hex.encode(output.span) == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")

    let key = try bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
    let plaintext = try bytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
        + "ba637b39")
    let associated = try bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    let nonce = try bytes("cafebabefacedbaddecaf888")
    output = []
    try AESGCM.seal(
      plaintext.span, key: SecretKey(key), nonce: nonce, associatedData: associated.span, onto: &output)
    #expect(
      Hex.encode(output.span)
        == "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b"
        + "1056828838c5f61e6393ba"
        + "7a0abcc9f662" + "76fc6ece0f4e1768cddf8853bb2d551b")
    let opened = try AESGCM.open(output.span, key: SecretKey(key), nonce: nonce, associatedData: associated.span)
    #expect(opened == plaintext)
  }

  private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

  @Test("A password opens for its device only, and no bit of it may change")
  func values() throws {
    let sealer = ValueSealer(keyring)
    let device = UUID128.random()
    let sealed = try sealer.seal("pässword", owner: device)
    #expect(try sealer.openText(sealed, owner: device) == "pässword")
    #expect(sealed.count == "pässword".utf8.count + ValueSealer.overhead)
    #expect(throws: CryptographyError.forgedSeal) { try sealer.openText(sealed, owner: .random()) }
    for index in sealed.indices.dropFirst(5) {
      var altered = sealed
      altered[index] ^= 1
      #expect(throws: CryptographyError.forgedSeal) { try sealer.openText(altered, owner: device) }
    }
    for count in 0..<ValueSealer.overhead {
      #expect(throws: CryptographyError.malformedSeal) { try sealer.openText(Array(sealed[..<count]), owner: device) }
    }
  }

  @Test("The same value sealed twice is not the same bytes; an empty one seals too")
  func nonces() throws {
    let sealer = ValueSealer(keyring)
    #expect(try sealer.seal("", owner: .zero) != sealer.seal("", owner: .zero))
    #expect(try sealer.openText(sealer.seal("", owner: .zero), owner: .zero) == "")
  }

  @Test("After the secret was exchanged, old values open for as long as the former one is there")
  func rotation() throws {
    let old = ValueSealer(keyring)
    let sealed = try old.seal("secret", owner: .zero)
    let fresh = SecureRandom.bytes(32)
    let formerText = Hex.encode([UInt8](repeating: 7, count: 32).span)
    let both = try ClusterKeyring(fileContents: Array("\(Hex.encode(fresh.span))\n\(formerText)".utf8))
    #expect(try ValueSealer(both).openText(sealed, owner: .zero) == "secret")
    let only = ClusterKeyring(try ClusterSecret(bytes: fresh))
    #expect(throws: CryptographyError.unknownKey(id: keyring.current.id)) {
      try ValueSealer(only).openText(sealed, owner: .zero)
    }
  }
}

@Suite("Sealed log records (architecture §2.2)")
struct LogSealingTests {
  private let keyring: ClusterKeyring
  private let context = Array("device ‖ response".utf8)

  init() throws {
    keyring = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 9, count: 32)))
  }

  @Test("Any process of the cluster opens what any other sealed, and only in its own record")
  func roundTrip() throws {
    let opener = LogOpener(keyring)
    for _ in 0..<300 {
      let sealer = LogSealer(keyring, instance: .random())
      let sealed = try sealer.seal(Array("<soap/>".utf8).span, associatedData: context.span)
      #expect(try opener.open(sealed.span, associatedData: context.span) == Array("<soap/>".utf8))
      #expect(throws: CryptographyError.forgedSeal) { try opener.open(sealed.span, associatedData: [1].span) }
    }
  }

  @Test("No two records share a nonce, also when loops seal at once")
  func counters() async throws {
    let sealer = LogSealer(keyring, instance: .random())
    let seen = await withTaskGroup(of: [[UInt8]].self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<250).compactMap { _ in
            (try? sealer.seal([1].span, associatedData: [UInt8]().span)).map { Array($0[21..<29]) }
          }
        }
      }
      return await group.reduce(into: Set()) { $0.formUnion($1) }
    }
    #expect(seen.count == 1000)
  }

  @Test("Nothing of a sealed record may change, its header included")
  func forged() throws {
    let sealed = try LogSealer(keyring, instance: .random()).seal([1, 2, 3].span, associatedData: context.span)
    let opener = LogOpener(keyring)
    for index in 5..<sealed.count {
      var altered = sealed
      altered[index] ^= 0x80
      #expect(throws: CryptographyError.forgedSeal) { try opener.open(altered.span, associatedData: context.span) }
    }
    var flagged = sealed
    flagged[0] = LogSeal.deflated
    #expect(throws: CryptographyError.forgedSeal) { try opener.open(flagged.span, associatedData: context.span) }
  }

  @Test("Above 64 KiB a value is deflated first, and its growth is bounded when opened")
  func deflated() throws {
    let large = [UInt8](repeating: 0x41, count: LogSealer.deflateThreshold + 1)
    // A stand-in for zlib: run lengths of one byte.
    let sealer = LogSealer(keyring, instance: .random()) { bytes in
      [bytes[0]] + withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { Array($0) }
    }
    let opener = LogOpener(keyring) { bytes, limit in
      let count = (1...4).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
      return count <= limit ? [UInt8](repeating: bytes[0], count: count) : nil
    }
    let sealed = try sealer.seal(large.span, associatedData: context.span)
    #expect(sealed.count == LogSealer.overhead + 5)
    #expect(try opener.open(sealed.span, associatedData: context.span) == large)
    #expect(throws: CryptographyError.tooLarge(limit: 1000)) {
      try opener.open(sealed.span, associatedData: context.span, limit: 1000)
    }
    let small = try sealer.seal(Array(large[..<100]).span, associatedData: context.span)
    #expect(small.count == LogSealer.overhead + 100)
  }
}
