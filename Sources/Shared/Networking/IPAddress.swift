import Glibc

/// An IPv4 or IPv6 address, without port. An IPv4-mapped IPv6 address is kept as the IPv4 address that it means, so
/// that ranges and logs see one form whichever socket it came through.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// True for IPv4.
  public let isIPv4: Bool
  /// The address as a big-endian number; IPv4 in the lowest 32 bits.
  let number: UInt128

  /// 0.0.0.0.
  public static let anyIPv4 = IPAddress(ipv4: 0)
  /// `::`.
  public static let anyIPv6 = IPAddress(isIPv4: false, number: 0)
  /// 127.0.0.1.
  public static let loopback = IPAddress(ipv4: 0x7F00_0001)

  private init(isIPv4: Bool, number: UInt128) {
    self.isIPv4 = isIPv4
    self.number = number
  }

  /// An IPv4 address by its 32 bits, first octet highest.
  public init(ipv4 bits: UInt32) { self.init(isIPv4: true, number: UInt128(bits)) }

  /// An IPv6 address by its 128 bits, first octet highest; an IPv4-mapped one becomes IPv4.
  public init(ipv6 bits: UInt128) {
    if bits >> 32 == 0xFFFF {
      self.init(ipv4: UInt32(truncatingIfNeeded: bits))
    } else {
      self.init(isIPv4: false, number: bits)
    }
  }

  /// Parses `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`; no names, no short or octal forms.
  public init?(_ text: some StringProtocol) {
    var text = String(text)
    let bracketed = text.hasPrefix("[") && text.hasSuffix("]")
    if bracketed { text = String(text.dropFirst().dropLast()) }
    var four = in_addr()
    var six = in6_addr()
    if !bracketed && inet_pton(AF_INET, text, &four) == 1 {
      self.init(ipv4: UInt32(bigEndian: four.s_addr))
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      self.init(six)
    } else {
      return nil
    }
  }

  init(_ address: in6_addr) {
    let bits = withUnsafeBytes(of: address) { $0.loadUnaligned(as: UInt128.self) }
    self.init(ipv6: UInt128(bigEndian: bits))
  }

  var ipv6: in6_addr {
    var address = in6_addr()
    let bits = (isIPv4 ? number | (0xFFFF << 32) : number).bigEndian
    withUnsafeMutableBytes(of: &address) { $0.storeBytes(of: bits, as: UInt128.self) }
    return address
  }

  var ipv4: in_addr { in_addr(s_addr: UInt32(truncatingIfNeeded: number).bigEndian) }

  /// 127.0.0.0/8 or ::1.
  public var isLoopback: Bool { isIPv4 ? number >> 24 == 127 : number == 1 }

  /// 169.254.0.0/16 or fe80::/10, where cloud metadata services live.
  public var isLinkLocal: Bool { isIPv4 ? number >> 16 == 0xA9FE : number >> 118 == 0x3FA }

  /// 224.0.0.0/4 or ff00::/8.
  public var isMulticast: Bool { isIPv4 ? number >> 28 == 0xE : number >> 120 == 0xFF }

  /// 0.0.0.0 or ::.
  public var isUnspecified: Bool { number == 0 }

  /// The first address of the network of that many leading bits that this address is in.
  public func network(_ prefixLength: Int) -> IPAddress {
    // A shift by the full width gives 0, as `<<` on fixed-width integers is a smart shift.
    let dropped = max((isIPv4 ? 32 : 128) - prefixLength, 0)
    return IPAddress(isIPv4: isIPv4, number: (number >> dropped) << dropped)
  }

  /// The usual text form, without brackets.
  public var description: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
      guard let start = text.baseAddress else { return "" }
      if isIPv4 {
        var address = ipv4
        inet_ntop(AF_INET, &address, start, socklen_t(text.count))
      } else {
        var address = ipv6
        inet_ntop(AF_INET6, &address, start, socklen_t(text.count))
      }
      return String(cString: start)
    }
  }
}
