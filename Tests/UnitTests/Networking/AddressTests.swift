import Networking
import Testing

@Suite struct AddressTests {
  @Test(arguments: ["192.0.2.1:7547", "[2001:db8::1]:7547", "[::]:0", "0.0.0.0:65535"])
  func `a socket address reads as it is written`(_ text: String) throws {
    #expect(try SocketAddress(text).description == text)
  }

  @Test(
    arguments: [
      "", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1", "2001:db8::1:80",
      "[192.0.2.1]:80", "localhost:80", "010.0.0.1:80", "1.2.3:80",
    ])
  func `names, short forms and bare IPv6 are refused`(_ text: String) {
    #expect(throws: NetworkingError.self) { try SocketAddress(text) }
  }

  @Test func `of a configuration's address and port, IPv6 needs no brackets`() throws {
    #expect(try SocketAddress(host: "::1", port: 9101).description == "[::1]:9101")
    #expect(try SocketAddress(host: "[::1]", port: 9101).description == "[::1]:9101")
    #expect(try SocketAddress(host: "127.0.0.1", port: 0).description == "127.0.0.1:0")
    #expect(throws: NetworkingError.self) { try SocketAddress(host: "::1", port: 65_536) }
  }

  @Test func `an IPv4-mapped address is the IPv4 address`() throws {
    #expect(IPAddress("::ffff:192.0.2.1") == IPAddress("192.0.2.1"))
    #expect(try #require(IPAddress("::ffff:127.0.0.1")).isLoopback)
  }

  @Test func `special addresses are known in both families`() throws {
    for text in ["127.9.9.9", "::1"] { #expect(try #require(IPAddress(text)).isLoopback) }
    for text in ["169.254.169.254", "fe80::1", "febf::1"] { #expect(try #require(IPAddress(text)).isLinkLocal) }
    for text in ["224.0.0.1", "239.1.1.1", "ff02::1"] { #expect(try #require(IPAddress(text)).isMulticast) }
    for text in ["0.0.0.0", "::"] { #expect(try #require(IPAddress(text)).isUnspecified) }
    for text in ["10.0.0.1", "2001:db8::1", "fec0::1"] {
      let address = try #require(IPAddress(text))
      #expect(!address.isLoopback && !address.isLinkLocal && !address.isMulticast && !address.isUnspecified)
    }
  }

  @Test func `a range holds its own addresses and no others`() throws {
    let range = try AddressRange("10.1.0.0/16")
    #expect(range.contains(try #require(IPAddress("10.1.255.255"))))
    #expect(!range.contains(try #require(IPAddress("10.2.0.0"))))
    #expect(!range.contains(try #require(IPAddress("::a01:0"))))
    let six = try AddressRange("2001:db8::/33")
    #expect(six.contains(try #require(IPAddress("2001:db8:7fff::1"))))
    #expect(!six.contains(try #require(IPAddress("2001:db8:8000::1"))))
    #expect(try AddressRange("192.0.2.1").contains(try #require(IPAddress("192.0.2.1"))))
    #expect(try AddressRange("0.0.0.0/0").contains(try #require(IPAddress("203.0.113.7"))))
    #expect(try AddressRange("::/0").description == "::/0")
  }

  @Test(arguments: ["10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "x/8", "10.0.0.0/8/8"])
  func `a range that is none, or has bits beyond its prefix, is refused`(_ text: String) {
    #expect(throws: NetworkingError.self) { try AddressRange(text) }
  }
}
