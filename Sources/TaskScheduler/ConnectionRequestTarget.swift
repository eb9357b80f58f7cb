import Glibc

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
    /// A port of another well-known service.
    case port

    /// For `wakeup.failure` and the API.
    public var description: String {
      switch self {
      case .missing: "the device has no connection request URL"
      case .malformed: "the connection request URL is not http with a numeric address"
      case .foreign: "the connection request URL names another address than the device informs from"
      case .forbidden: "the connection request URL names an address where no CPE can be"
      case .port: "the connection request URL names a port of another service"
      }
    }
  }

  /// The address to connect to, and no other.
  public let address: NetworkAddress
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
  public init(url: String, peer: String, allowsLoopback: Bool = false) throws(Refusal) {
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
    guard let address = NetworkAddress(host), let peer = NetworkAddress(peer) else { throw .malformed }
    guard address == peer else { throw .foreign }
    guard address.mayBeDevice(allowsLoopback: allowsLoopback) else { throw .forbidden }
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

/// An IPv4 or IPv6 address in digits; an IPv4 address written in IPv6 is that IPv4 address.
public struct NetworkAddress: Sendable, Hashable, CustomStringConvertible {
  /// 4 or 16 bytes in network order.
  public let bytes: [UInt8]

  /// Reads an address as `inet_pton` does: four decimal numbers, or IPv6 without a zone; nil for names, octal, hexadecimal
  /// or short forms.
  public init?(_ text: String) {
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      self.init(bytes: withUnsafeBytes(of: four) { Array($0) })
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      self.init(bytes: withUnsafeBytes(of: six) { Array($0) })
    } else {
      return nil
    }
  }

  /// An address of 4 or 16 bytes.
  init(bytes: [UInt8]) {
    let isMapped = bytes.count == 16 && bytes[0..<10].allSatisfy { $0 == 0 } && bytes[10] == 255 && bytes[11] == 255
    self.bytes = isMapped ? Array(bytes[12...]) : bytes
  }

  /// The usual text.
  public var description: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
      guard let start = text.baseAddress,
        inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, start, 64) != nil
      else { return "" }
      return String(cString: start)
    }
  }

  /// Whether a CPE can be there. Forms that hold an IPv4 address in IPv6 (6to4, NAT64, the compatible form) are refused:
  /// what they reach is not what they look like.
  func mayBeDevice(allowsLoopback: Bool) -> Bool {
    if isLoopback { return allowsLoopback }
    if bytes.count == 4 {
      return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224 && !(bytes[0] == 169 && bytes[1] == 254)
    }
    if bytes[0..<12].allSatisfy({ $0 == 0 }) { return false }
    if bytes[0] == 0xFF || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80) { return false }
    if bytes[0] == 0x20 && bytes[1] == 0x02 { return false }
    return !bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B])
  }

  private var isLoopback: Bool {
    bytes.count == 4 ? bytes[0] == 127 : bytes[0..<15].allSatisfy { $0 == 0 } && bytes[15] == 1
  }
}
