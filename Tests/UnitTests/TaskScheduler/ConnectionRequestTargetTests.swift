import Networking
import Testing

@testable import TaskScheduler

struct ConnectionRequestTargetTests {
  private func refusal(
    _ url: String, peer: String = "198.51.100.7", allowsLoopback: Bool = false
  ) -> ConnectionRequestTarget.Refusal? {
    do throws(ConnectionRequestTarget.Refusal) {
      _ = try ConnectionRequestTarget(url: url, peer: peer, allowsLoopback: allowsLoopback)
      return nil
    } catch {
      return error
    }
  }

  @Test func `the URL is requested unchanged, path and query (item 177)`() throws {
    let target = try ConnectionRequestTarget(url: "http://198.51.100.7:7547/a/b?c=d%20e", peer: "198.51.100.7")
    #expect(target.url == "http://198.51.100.7:7547/a/b?c=d%20e")
    #expect(target.path == "/a/b?c=d%20e")
    #expect(target.port == 7547)
  }

  @Test(arguments: [
    ("http://198.51.100.7", "/", 80), ("HTTP://198.51.100.7:/", "/", 80), ("http://198.51.100.7?x", "/?x", 80),
    ("http://198.51.100.7:65535/cr", "/cr", 65_535),
  ])
  func `port and path may be missing`(_ url: String, _ path: String, _ port: Int) throws {
    let target = try ConnectionRequestTarget(url: url, peer: "198.51.100.7")
    #expect(target.path == path)
    #expect(Int(target.port) == port)
  }

  @Test func `where the operator names networks, no other is asked`() throws {
    let networks = [try AddressRange("198.51.100.0/24"), try AddressRange("2001:db8::/32")]
    for (address, isAllowed) in [("198.51.100.7", true), ("198.51.101.7", false), ("[2001:db8::1]", true)] {
      var refusal: ConnectionRequestTarget.Refusal?
      do throws(ConnectionRequestTarget.Refusal) {
        _ = try ConnectionRequestTarget(url: "http://\(address):7547/", peer: address, networks: networks)
      } catch {
        refusal = error
      }
      #expect(refusal == (isAllowed ? nil : .outside), "\(address)")
    }
  }

  @Test func `IPv6 literals stand in brackets, with any port (item 185)`() throws {
    let target = try ConnectionRequestTarget(url: "http://[2001:db8:0::1]:30005/", peer: "2001:DB8::1")
    #expect(target.address == IPAddress("2001:db8::1"))
    #expect(target.port == 30_005)
    #expect(refusal("http://2001:db8::1/", peer: "2001:db8::1") == .malformed)
  }

  @Test func `an IPv4 address written in IPv6 is that IPv4 address`() throws {
    #expect(refusal("http://[::ffff:198.51.100.7]:7547/") == nil)
    #expect(refusal("http://[::ffff:169.254.169.254]:7547/", peer: "169.254.169.254") == .forbidden)
  }

  @Test func `an empty URL is told as such (item 186, quirk Q51)`() { #expect(refusal("") == .missing) }

  @Test func `only the address that the device informs from is asked`() {
    #expect(refusal("http://198.51.100.8:7547/") == .foreign)
    #expect(refusal("http://10.0.0.1:7547/", peer: "198.51.100.7") == .foreign)
    #expect(refusal("http://[2001:db8::2]:7547/", peer: "2001:db8::1") == .foreign)
  }

  @Test(arguments: [
    "https://198.51.100.7:7547/", "gopher://198.51.100.7:7547/", "file:///etc/passwd", "//198.51.100.7/",
    "198.51.100.7",
    "http:/198.51.100.7/", "http://user@198.51.100.7:7547/", "http://user:pw@198.51.100.7:7547/",
    "http://198.51.100.7@10.0.0.1/", "http://198.51.100.7:7547/#f", "http://198.51.100.7#@10.0.0.1/",
    "http://cpe.example.net:7547/", "http://localhost:7547/", "http://3325256711:7547/",
    "http://0xC6.0x33.0x64.7:7547/",
    "http://0306.063.0144.07:7547/", "http://198.51.25607:7547/", "http://198.51.100.7.:7547/",
    "http://198.51.100.7:7547/\r\nHost: x", "http://198.51.100.7:7547/ x", "http://198.51.100.7:7547/\u{0}",
    "http://198.51.100.7:7547/\t", "http://198.51.100.7:7547/ü", "http://198.51.100.7\\@10.0.0.1:7547/",
    "http://198.51.100.7:0/", "http://198.51.100.7:65536/", "http://198.51.100.7:75 47/", "http://198.51.100.7:-1/",
    "http://198.51.100.7:7547x/", "http://:7547/", "http://", "http:///x", "http://[::1%25eth0]:7547/",
    "http://[fe80::1%eth0]:7547/", "http://[198.51.100.7]:7547/", "http://[::1:7547/", "http://[::1]x:7547/",
    "http://%31%39%38.51.100.7:7547/", "http://198。51。100。7:7547/", "http://[v1.x]:7547/",
  ])
  func `what is not plain http with an address in digits is refused`(_ url: String) {
    #expect(refusal(url) == .malformed)
  }

  @Test(arguments: [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "239.255.255.250",
    "255.255.255.255",
    "240.0.0.1",
  ])
  func `addresses where no CPE can be are refused even if the device informs from there`(_ address: String) {
    #expect(refusal("http://\(address):7547/", peer: address) == .forbidden)
  }

  @Test(arguments: ["::1", "::", "fe80::1", "ff02::1", "::7f00:1", "64:ff9b::a00:1", "2002:a00:1::1"])
  func `so are those of IPv6, also forms that hold an IPv4 address`(_ address: String) {
    #expect(refusal("http://[\(address)]:7547/", peer: address) == .forbidden)
  }

  @Test func `loopback is asked only where simulators are allowed`() {
    #expect(refusal("http://127.0.0.1:7547/", peer: "127.0.0.1", allowsLoopback: true) == nil)
    #expect(refusal("http://[::1]:7547/", peer: "::1", allowsLoopback: true) == nil)
    #expect(refusal("http://169.254.1.1:7547/", peer: "169.254.1.1", allowsLoopback: true) == .forbidden)
  }

  @Test(arguments: [22, 25, 443, 1023])
  func `ports of other services are refused`(_ port: Int) {
    #expect(refusal("http://198.51.100.7:\(port)/") == .port)
  }

  @Test func `an overlong URL is refused`() {
    #expect(refusal("http://198.51.100.7/" + String(repeating: "a", count: 1024)) == .malformed)
  }
}
