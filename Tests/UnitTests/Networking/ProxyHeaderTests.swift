import Networking
import Testing

@Suite struct ProxyHeaderTests {
  @Test(
    arguments: [("203.0.113.7:5000", "192.0.2.1:7547"), ("[2001:db8::7]:5000", "[2001:db8::1]:7547")])
  func `a header that HAProxy would write gives client and destination`(_ source: String, _ destination: String) throws
  {
    let (source, destination) = (try SocketAddress(source), try SocketAddress(destination))
    let bytes = ProxyHeader.bytes(source: source, destination: destination)
    #expect(try parse(bytes) == .complete(source: source, destination: destination))
    // Type-length-values behind the addresses are skipped.
    var longer = bytes
    longer[15] += 4
    longer += [0x04, 0, 1, 0]
    #expect(try parse(longer) == .complete(source: source, destination: destination))
  }

  private func parse(_ bytes: [UInt8]) throws(NetworkingError) -> ProxyHeader { try ProxyHeader.parse(bytes.span) }

  @Test func `every front part asks for exactly what is missing`() throws {
    let address = try SocketAddress("203.0.113.7:5000")
    let bytes = ProxyHeader.bytes(source: address, destination: address)
    for count in 0..<bytes.count {
      #expect(try parse(Array(bytes[..<count])) == .incomplete(length: count < 16 ? 16 : 28))
    }
  }

  @Test func `the proxy's own connections have no client`() throws {
    var bytes = ProxyHeader.bytes(source: try SocketAddress("1.1.1.1:1"), destination: try SocketAddress("1.1.1.1:1"))
    bytes[12] = 0x20
    #expect(try parse(bytes) == .complete(source: nil, destination: nil))
  }

  @Test func `anything else is refused at its first wrong byte`() throws {
    let good = ProxyHeader.bytes(source: try SocketAddress("1.1.1.1:1"), destination: try SocketAddress("1.1.1.1:1"))
    for (index, byte) in [(0, 0x47), (11, 0), (12, 0x11), (12, 0x22), (13, 0x12), (13, 0x31), (14, 0xFF), (15, 11)] {
      var bytes = good
      bytes[index] = UInt8(byte)
      #expect(throws: NetworkingError.self) { try parse(bytes) }
    }
    #expect(throws: NetworkingError.self) { try parse(Array("POST / HTTP/1.1\r\n".utf8)) }
    #expect(throws: NetworkingError.self) { try parse(Array("PROXY TCP4 1.1.1.1".utf8)) }
  }
}
