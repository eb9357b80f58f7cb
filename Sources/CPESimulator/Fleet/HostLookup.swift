import Glibc
import Networking

/// Finds the address of a host. Names are looked up in place, once each: good enough for a simulator, never for a
/// server.
struct HostLookup {
  private var found: [String: SocketAddress] = [:]

  mutating func address(of acs: ACSAddress) throws(FleetError) -> SocketAddress {
    if let ip = IPAddress(acs.host) { return SocketAddress(ip: ip, port: acs.port) }
    let key = "\(acs.host):\(acs.port)"
    if let known = found[key] { return known }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(acs.host, String(acs.port), &hints, &list)
    defer { freeaddrinfo(list) }
    guard result == 0, let entry = list?.pointee, let storage = entry.ai_addr,
      let address = SocketAddress(storage, length: Int(entry.ai_addrlen))
    else {
      throw FleetError("host \(acs.host) cannot be found: \(String(cString: gai_strerror(result)))")
    }
    found[key] = address
    return address
  }
}
