import Cryptography
import Testing

@Suite("Identifiers of 16 bytes")
struct UUID128Tests {
  @Test("The text form goes there and back, in either case, with or without dashes")
  func text() throws {
    let id = try #require(UUID128("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"))
    #expect(id.description == "f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
    #expect(UUID128("f81d4fae7dec11d0a76500a0c91e6bf6") == id)
    #expect(UUID128(bytes: id.bytes) == id)
    #expect(id.base64URL.utf8.count == 22)
    #expect(UUID128(base64URL: Array(id.base64URL.utf8).span) == id)
  }

  @Test(
    "What is no identifier is refused",
    arguments: [
      "", "f81d4fae", "f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
      "f81d4fae_7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf66",
    ])
  func refused(text: String) {
    #expect(UUID128(text) == nil)
  }

  @Test("Order is the order of the bytes")
  func order() {
    #expect(UUID128(high: 1, low: .max) < UUID128(high: 2, low: 0))
    #expect(UUID128(high: 1, low: 1) < UUID128(high: 1, low: 2))
    #expect(UUID128(high: 0x8000_0000_0000_0000, low: 0) > UUID128(high: 1, low: 0))
  }

  /// The first is RFC 9562's (appendix A.4); the others, around the block edge of SHA-1, are of Python's `uuid.uuid5`.
  @Test(
    "A name has one version 5 identifier",
    arguments: [
      ("www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2"),
      (String(repeating: "a", count: 39), "5824f981-4282-59d4-9716-acb6d741350e"),
      (String(repeating: "a", count: 40), "39f39c20-db47-5131-8879-62f8f67f9014"),
      (String(repeating: "a", count: 100), "56596f37-716c-57a9-a735-2561f8608390"),
    ])
  func names(name: String, expected: String) {
    #expect(UUID128.named(name, in: .dnsNamespace).description == expected)
  }

  @Test("A random identifier is of version 4 and not twice the same")
  func random() {
    let first = UUID128.random()
    #expect(first.version == 4)
    #expect(first.low >> 62 == 0b10)
    #expect(first != UUID128.random())
  }
}

@Suite("Identifiers in order of time (RFC 9562 §5.7)")
struct UUIDv7GeneratorTests {
  @Test("An identifier carries the caller's time, version and variant")
  func fields() {
    let id = UUIDv7Generator().next(milliseconds: 0x017F_22E2_79B0)
    #expect(id.unixMilliseconds == 0x017F_22E2_79B0)
    #expect(id.version == 7)
    #expect(id.low >> 62 == 0b10)
  }

  @Test("Each is greater than the one before, also 10,000 in one millisecond and when the clock steps back")
  func increase() {
    let generator = UUIDv7Generator()
    var last = UUID128.zero
    for round in 0..<10_000 {
      let id = generator.next(milliseconds: round == 5000 ? 1_000 : 1_700_000_000_000)
      #expect(last < id)
      last = id
    }
    // The counter borrowed a few milliseconds from the future, no more.
    #expect(last.unixMilliseconds.map { $0 - 1_700_000_000_000 < 8 } == true)
  }
}
