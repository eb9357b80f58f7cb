public import Glibc

/// An IP address and a TCP or UDP port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
  /// The address.
  public let ip: IPAddress
  /// The port; 0 asks the system for a free one.
  public let port: UInt16

  /// An address of these parts.
  public init(ip: IPAddress, port: UInt16) {
    self.ip = ip
    self.port = port
  }

  /// Parses `192.0.2.1:7547` or `[2001:db8::1]:7547`; no names.
  ///
  /// - Throws: `NetworkingError` (`.invalidAddress`).
  public init(_ text: String) throws(NetworkingError) {
    let fault = NetworkingError(
      .invalidAddress, "socket address \"\(text)\"", detail: "expected ADDRESS:PORT, such as 0.0.0.0:7547 or [::]:7547")
    guard let colon = text.lastIndex(of: ":") else { throw fault }
    let host = text[..<colon]
    let digits = text[text.index(after: colon)...]
    guard let ip = IPAddress(host), ip.isIPv4 || host.hasPrefix("["),
      digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits)
    else { throw fault }
    self.init(ip: ip, port: port)
  }

  /// The address that a configuration names in two parts: `::` and 7547; brackets are not needed.
  ///
  /// - Throws: `NetworkingError` (`.invalidAddress`).
  public init(host: String, port: Int) throws(NetworkingError) {
    try self.init(host.contains(":") && !host.hasPrefix("[") ? "[\(host)]:\(port)" : "\(host):\(port)")
  }

  /// `192.0.2.1:7547` or `[2001:db8::1]:7547`.
  public var description: String { ip.isIPv4 ? "\(ip):\(port)" : "[\(ip)]:\(port)" }

  var family: CInt { ip.isIPv4 ? AF_INET : AF_INET6 }

  /// Reads what the kernel or another library filled in; nil for families other than IP.
  public init?(_ storage: UnsafePointer<sockaddr>, length: Int) {
    switch CInt(storage.pointee.sa_family) {
    case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
      let address = UnsafeRawPointer(storage).loadUnaligned(as: sockaddr_in.self)
      self.init(
        ip: IPAddress(ipv4: UInt32(bigEndian: address.sin_addr.s_addr)), port: UInt16(bigEndian: address.sin_port))
    case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
      let address = UnsafeRawPointer(storage).loadUnaligned(as: sockaddr_in6.self)
      self.init(ip: IPAddress(address.sin6_addr), port: UInt16(bigEndian: address.sin6_port))
    default:
      return nil
    }
  }

  /// Calls `body` with the kernel's form of the address.
  func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    if ip.isIPv4 {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr = ip.ipv4
      return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    }
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    address.sin6_addr = ip.ipv6
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
    }
  }

  /// Fills an address by a call such as `getsockname` or `accept4`.
  static func filled(by call: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> CInt) -> (CInt, SocketAddress?) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        let result = call(address, &length)
        return (result, result < 0 ? nil : SocketAddress(address, length: Int(length)))
      }
    }
  }
}
