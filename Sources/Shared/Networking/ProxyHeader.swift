/// The PROXY protocol, version 2 (HAProxy's proxy-protocol.txt §2.2): how a load balancer tells whom it speaks for.
public enum ProxyHeader: Hashable, Sendable {
  /// The header is longer than what there is: at least `length` bytes in all.
  case incomplete(length: Int)
  /// The client and the address it connected to; nil for the proxy's own connections (LOCAL) and other families.
  case complete(source: SocketAddress?, destination: SocketAddress?)

  /// More than addresses and the usual TLVs need.
  static let longest = 16 + 2048

  private static let signature: [UInt8] = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]

  /// Parses the front of a connection; TLVs are skipped.
  ///
  /// - Throws: `NetworkingError` (`.invalidAddress`) for anything that is no version 2 header.
  public static func parse(_ bytes: Span<UInt8>) throws(NetworkingError) -> ProxyHeader {
    for index in 0..<min(bytes.count, 12) where bytes[index] != signature[index] { throw fault("no such header") }
    guard bytes.count >= 16 else { return .incomplete(length: 16) }
    let length = 16 + Int(bytes[14]) << 8 + Int(bytes[15])
    guard bytes[12] >> 4 == 2 else { throw fault("version \(bytes[12] >> 4)") }
    guard length <= longest else { throw fault("\(length) bytes long") }
    guard bytes.count >= length else { return .incomplete(length: length) }
    switch bytes[12] & 15 {
    case 0: return .complete(source: nil, destination: nil)
    case 1: break
    default: throw fault("unknown command")
    }
    switch bytes[13] {
    case 0x11:
      guard length >= 28 else { throw fault("too short for IPv4") }
      return .complete(source: ipv4(bytes, 16, port: 24), destination: ipv4(bytes, 20, port: 26))
    case 0x21:
      guard length >= 52 else { throw fault("too short for IPv6") }
      return .complete(source: ipv6(bytes, 16, port: 48), destination: ipv6(bytes, 32, port: 50))
    case 0x00:
      return .complete(source: nil, destination: nil)
    default:
      throw fault("not TCP over IPv4 or IPv6")
    }
  }

  /// Writes the header that a proxy sends for a TCP connection; for tests and load generators. Mixed families are
  /// written as IPv6.
  public static func bytes(source: SocketAddress, destination: SocketAddress) -> [UInt8] {
    let isIPv4 = source.ip.isIPv4 && destination.ip.isIPv4
    var bytes = signature
    bytes += [0x21, isIPv4 ? 0x11 : 0x21, 0, isIPv4 ? 12 : 36]
    for address in [source.ip, destination.ip] {
      if isIPv4 {
        withUnsafeBytes(of: address.ipv4) { bytes.append(contentsOf: $0) }
      } else {
        withUnsafeBytes(of: address.ipv6) { bytes.append(contentsOf: $0) }
      }
    }
    for port in [source.port, destination.port] { bytes += [UInt8(port >> 8), UInt8(port & 255)] }
    return bytes
  }

  private static func ipv4(_ bytes: Span<UInt8>, _ start: Int, port: Int) -> SocketAddress {
    SocketAddress(ip: IPAddress(ipv4: UInt32(number(bytes, start, 4))), port: UInt16(number(bytes, port, 2)))
  }

  private static func ipv6(_ bytes: Span<UInt8>, _ start: Int, port: Int) -> SocketAddress {
    SocketAddress(ip: IPAddress(ipv6: number(bytes, start, 16)), port: UInt16(number(bytes, port, 2)))
  }

  private static func number(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> UInt128 {
    var number: UInt128 = 0
    for index in start..<(start + count) { number = number << 8 | UInt128(bytes[index]) }
    return number
  }

  private static func fault(_ what: String) -> NetworkingError {
    NetworkingError(.invalidAddress, "PROXY protocol v2 header", detail: what)
  }
}
