public import Networking

/// Where a connection request goes: a device's ConnectionRequestURL, found to be safe to fetch. The URL comes from the
/// device, so it is an attacker's (item 188, trust 1.2): only plain `http`, only an address in digits, and only the one
/// that the device last informed from. Pure.
public struct ConnectionRequestTarget: Sendable, Hashable {
  /// Why a URL is not fetched.
  public enum Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The device has told none (item 186).
    case missing
    /// It is not an `http` URL with an address in digits.
    case malformed
    /// It names another address than the device informs from.
    case foreign
    /// No CPE is at such an address: loopback, link-local, multicast, unspecified.
    case forbidden
    /// It is outside of the networks that the operator allows.
    case outside
    /// A port of another well-known service.
    case port

    /// For `wakeup.failure` and the API.
    public var description: String {
      switch self {
      case .missing: "the device has no connection request URL"
      case .malformed: "the connection request URL is not http with a numeric address"
      case .foreign: "the connection request URL names another address than the device informs from"
      case .forbidden: "the connection request URL names an address where no CPE can be"
      case .outside: "the connection request URL names an address outside of scheduler.connection_request_networks"
      case .port: "the connection request URL names a port of another service"
      }
    }
  }

  /// The address to connect to, and no other.
  public let address: IPAddress
  /// Its port.
  public let port: UInt16
  /// The URL as the device told it; it is requested unchanged (item 177).
  public let url: String
  /// Path and query: the request's target and the Digest's uri.
  public let path: String

  /// Checks a URL.
  /// - Parameters:
  ///   - url: as the device informed.
  ///   - peer: the address that its last Inform came from.
  ///   - allowsLoopback: see ``ConnectionRequestSettings/allowsLoopback``.
  ///   - networks: see ``ConnectionRequestSettings/networks``.
  public init(
    url: String, peer: String, allowsLoopback: Bool = false, networks: [AddressRange] = []
  ) throws(Refusal) {
    guard !url.isEmpty else { throw .missing }
    let bytes = Array(url.utf8)
    // Visible ASCII only: nothing that could end the request line or begin a header.
    guard bytes.count <= 1024, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
      throw .malformed
    }
    guard bytes.prefix(7).map({ $0 | 0x20 }).elementsEqual("http://".utf8) else { throw .malformed }
    let rest = bytes.dropFirst(7)
    let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
    let authority = rest[..<(end ?? rest.endIndex)]
    guard !authority.contains(UInt8(ascii: "@")), !rest.contains(UInt8(ascii: "#")) else { throw .malformed }
    let (host, port) = try Self.split(authority)
    guard let address = IPAddress(host), let peer = IPAddress(peer) else { throw .malformed }
    guard address == peer else { throw .foreign }
    guard address.mayBeDevice(allowsLoopback: allowsLoopback) else { throw .forbidden }
    guard networks.isEmpty || networks.contains(where: { $0.contains(address) }) else { throw .outside }
    guard port == 80 || port > 1023 else { throw .port }
    self.address = address
    self.port = port
    self.url = url
    let target = end.map { String(decoding: rest[$0...], as: UTF8.self) } ?? "/"
    path = target.hasPrefix("?") ? "/" + target : target
  }

  /// `host:port`, `[v6]:port`, or without a port (item 185).
  private static func split(_ authority: ArraySlice<UInt8>) throws(Refusal) -> (host: String, port: UInt16) {
    var host = authority
    var port: ArraySlice<UInt8>?
    if authority.first == UInt8(ascii: "[") {
      guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { throw .malformed }
      host = authority[(authority.startIndex + 1)..<close]
      guard host.contains(UInt8(ascii: ":")) else { throw .malformed }
      let after = authority[(close + 1)...]
      if !after.isEmpty {
        guard after.first == UInt8(ascii: ":") else { throw .malformed }
        port = after.dropFirst()
      }
    } else if let colon = authority.firstIndex(of: UInt8(ascii: ":")) {
      host = authority[..<colon]
      port = authority[(colon + 1)...]
    }
    guard !host.isEmpty else { throw .malformed }
    let text = String(decoding: host, as: UTF8.self)
    // An empty port is the scheme's (RFC 3986 §3.2.3).
    guard let port, !port.isEmpty else { return (text, 80) }
    guard port.count <= 5, port.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = UInt16(String(decoding: port, as: UTF8.self)), number > 0
    else { throw .malformed }
    return (text, number)
  }
}

extension IPAddress {
  /// Whether a CPE can be there.
  func mayBeDevice(allowsLoopback: Bool) -> Bool {
    if isLoopback { return allowsLoopback }
    return !isUnspecified && !isLinkLocal && !isMulticast && !Self.neverDevices.contains { $0.contains(self) }
  }

  /// "This" network, class E with broadcast, and forms that hold an IPv4 address in IPv6 (compatible, NAT64, 6to4):
  /// what they reach is not what they look like.
  private static let neverDevices = ["0.0.0.0/8", "240.0.0.0/4", "::/96", "64:ff9b::/96", "2002::/16"]
    .compactMap { try? AddressRange($0) }
}
