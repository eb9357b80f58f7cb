import Cryptography
import HTTP
import Networking
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ConnectionTests {
  private let get = "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n"

  private func withCertificate(_ body: (TestCertificate) async throws -> Void) async throws {
    let certificate = try TestCertificate()
    defer { certificate.remove() }
    try await body(certificate)
  }

  private func listenerOptions(
    _ certificate: TestCertificate, _ keys: TicketKeys? = nil
  ) throws -> ListenerOptions {
    var options = ListenerOptions()
    options.tls = try TLSServerContext(
      certificateChain: certificate.certificate, privateKey: certificate.key, ticketKeys: keys)
    return options
  }

  @Test func `requests over TLS 1.3, small and of many records, both ways`() async throws {
    try await withCertificate { certificate in
      let fixture = try await HTTPFixture(try listenerOptions(certificate))
      var options = ConnectOptions()
      options.tls = try TLSClientContext(authorities: certificate.certificate)
      let client = try await fixture.client(options)
      let body = String(repeating: "x", count: 99_999)
      client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      _ = await client.receive(until: "<99999>")
      #expect(await client.tlsDescription() == "TLSv1.3")
      client.send("POST /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      #expect(await client.receiveToEnd().utf8.count > 4 << 20)
      #expect(await client.end() != nil)
      await fixture.end()
    }
  }

  @Test func `a certificate that the client does not trust, or for another name, ends the handshake`() async throws {
    try await withCertificate { certificate in
      let fixture = try await HTTPFixture(try listenerOptions(certificate))
      var options = ConnectOptions()
      options.tls = try TLSClientContext()
      let distrusting = try await fixture.client(options)
      guard case .failed(let why)? = await distrusting.end() else { throw Unexpected() }
      #expect(why.contains("certificate verify failed"))
      options.tls = try TLSClientContext(authorities: certificate.certificate)
      options.serverName = "acs.example"
      let other = try await fixture.client(options)
      #expect(await other.end() != nil)
      await fixture.end()
    }
  }

  private struct Unexpected: Error {}

  @Test func `a session begun at one gateway is resumed at another that has its ticket key, also as the older one`()
    async throws
  {
    try await withCertificate { certificate in
      let (old, new) = ([UInt8](repeating: 1, count: 80), [UInt8](repeating: 2, count: 80))
      let first = try await HTTPFixture(try listenerOptions(certificate, try TicketKeys([old])))
      let second = try await HTTPFixture(try listenerOptions(certificate, try TicketKeys([new, old])))
      let third = try await HTTPFixture(try listenerOptions(certificate, try TicketKeys([new])))
      var options = ConnectOptions()
      options.tls = try TLSClientContext(authorities: certificate.certificate)
      for (fixture, expected) in [(first, "TLSv1.3"), (second, "TLSv1.3 resumed"), (third, "TLSv1.3 resumed")] {
        let client = try await fixture.client(options)
        client.send(get)
        _ = await client.receive(until: ">")
        #expect(await client.tlsDescription() == expected)
        // The second gave a new ticket under its newest key, which is all that the third knows.
        options.session = await client.tlsSession()
      }
      for fixture in [first, second, third] { await fixture.end() }
    }
  }

  /// A day, of which each gateway has its own idea.
  private final class Calendar: Sendable {
    private let seconds = Atomic<Int64>(0)
    var now: Int64 { seconds.load(ordering: .relaxed) }
    init(day: Int64) { set(day) }
    func set(_ day: Int64) { seconds.store(day * TicketKeys.period + 40, ordering: .relaxed) }
  }

  @Test func `tickets are good at every gateway while the keys change with the day, not for ever`() async throws {
    try await withCertificate { certificate in
      let keyring = ClusterKeyring(try ClusterSecret(bytes: Array(repeating: 7, count: 32)))
      let (early, late) = (Calendar(day: 20_000), Calendar(day: 20_000))
      var gateways: [HTTPFixture] = []
      for calendar in [early, late] {
        let keys = try TicketKeys(
          clock: { calendar.now },
          keys: { day in keyring.keys(for: .tlsTickets, day: day, count: TicketKeys.keyLength).map(\.bytes) })
        gateways.append(try await HTTPFixture(try listenerOptions(certificate, keys)))
      }
      var options = ConnectOptions()
      options.tls = try TLSClientContext(authorities: certificate.certificate)
      func connect(_ gateway: Int) async throws -> String? {
        let client = try await gateways[gateway].client(options)
        client.send(get)
        _ = await client.receive(until: ">")
        options.session = await client.tlsSession()
        return await client.tlsDescription()
      }
      #expect(try await connect(0) == "TLSv1.3")
      #expect(try await connect(1) == "TLSv1.3 resumed")
      late.set(20_001)
      // Yesterday's ticket; its answer is tomorrow's for the gateway whose clock is behind.
      #expect(try await connect(1) == "TLSv1.3 resumed")
      #expect(try await connect(0) == "TLSv1.3 resumed")
      early.set(20_001)
      #expect(try await connect(0) == "TLSv1.3 resumed")
      early.set(20_003)
      #expect(try await connect(0) == "TLSv1.3", "the key of two days ago is forgotten")
      for gateway in gateways { await gateway.end() }
    }
  }

  @Test func `TLS 1.0 and 1.1 are taken where they were asked for by name, and nowhere else`() async throws {
    try await withCertificate { certificate in
      for allowsLegacy in [false, true] {
        var options = ListenerOptions()
        options.tls = try TLSServerContext(
          certificateChain: certificate.certificate, privateKey: certificate.key, allowsLegacy: allowsLegacy)
        let fixture = try await HTTPFixture(options)
        for (option, name) in [("tls1", "TLSv1"), ("tls1_1", "TLSv1.1"), ("tls1_2", "TLSv1.2")] {
          // The client offers this version only, with all ciphers there are.
          let answers = try run(
            """
            printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | timeout 10 \
            openssl s_client -connect \(fixture.address) -\(option) -cipher 'ALL:@SECLEVEL=0' -ign_eof 2>/dev/null \
            | grep -c '^HTTP/1.1 ' || true
            """)
          #expect(answers == (allowsLegacy || name == "TLSv1.2" ? "1" : "0"), "\(name), allowed: \(allowsLegacy)")
        }
        await fixture.end()
      }
    }
  }

  @Test func `files that are no certificate or key, and keys of the wrong length, are named`() throws {
    let certificate = try TestCertificate()
    defer { certificate.remove() }
    #expect(throws: NetworkingError.self) {
      try TLSServerContext(certificateChain: "/nonexistent.pem", privateKey: certificate.key)
    }
    #expect(throws: NetworkingError.self) {
      try TLSServerContext(certificateChain: certificate.certificate, privateKey: certificate.certificate)
    }
    #expect(throws: NetworkingError.self) { try TicketKeys([[1, 2, 3]]) }
  }

  @Test func `a handshake or PROXY header that does not come ends the connection`() async throws {
    try await withCertificate { certificate in
      var options = try listenerOptions(certificate)
      options.establishmentDeadline = .milliseconds(30)
      let fixture = try await HTTPFixture(options)
      #expect(await (try fixture.client()).receiveToEnd() == "")
      await fixture.end()
      options.proxies = [try AddressRange("127.0.0.0/8")]
      let behind = try await HTTPFixture(options)
      #expect(await (try behind.client()).receiveToEnd() == "")
      await behind.end()
    }
  }

  @Test func `behind a listed proxy the client's address is the header's, plain and with TLS`() async throws {
    try await withCertificate { certificate in
      var options = ListenerOptions()
      options.proxies = [try AddressRange("127.0.0.0/8")]
      let source = try SocketAddress("203.0.113.7:5000")
      let header = ProxyHeader.bytes(source: source, destination: try SocketAddress("192.0.2.1:7547"))
      let plain = try await HTTPFixture(options)
      let client = try await plain.client()
      // Byte by byte first: the header may come in pieces.
      for byte in header.dropLast(4) { client.send([byte]) }
      client.send(Array(header.suffix(4)) + Array(get.utf8))
      #expect(await client.receive(until: ">").hasSuffix("<203.0.113.7:5000>"))
      let missing = try await plain.client()
      missing.send(get)
      #expect(await missing.receiveToEnd() == "")
      await plain.end()
    }
  }

  @Test func `a peer that is no listed proxy is refused`() async throws {
    var options = ListenerOptions()
    options.proxies = [try AddressRange("192.0.2.0/24")]
    let fixture = try await HTTPFixture(options)
    let client = try await fixture.client()
    #expect(await client.receiveToEnd() == "")
    await fixture.end()
  }

  @Test func `a connection comes from the address that it was bound to; nobody listening is said`() async throws {
    let fixture = try await HTTPFixture()
    var options = ConnectOptions()
    options.source = IPAddress("127.0.0.9")
    let client = try await fixture.client(options)
    client.send(get)
    #expect(await client.receive(until: ">").contains("<127.0.0.9:"))
    let server = fixture.server
    try await fixture.serverLoop.run { server.value.close() }
    let late = try await fixture.client()
    guard case .failed(let why)? = await late.end() else { throw Unexpected() }
    #expect(why.contains("refused"))
    await fixture.end()
  }
}
