/// A CIDR range such as `10.0.0.0/8` or `2001:db8::/32`; a bare address is a range of one.
public struct AddressRange: Hashable, Sendable, CustomStringConvertible {
  /// The first address.
  public let base: IPAddress
  /// How many leading bits must agree.
  public let prefixLength: Int

  /// Parses CIDR notation.
  ///
  /// - Throws: `NetworkingError` (`.invalidAddress`) for anything else, also when bits are set beyond the prefix, which
  ///   is nearly always a typing error.
  public init(_ text: String) throws(NetworkingError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let fault = NetworkingError(
      .invalidAddress, "address range \"\(text)\"", detail: "expected ADDRESS or ADDRESS/PREFIX, such as 10.0.0.0/8")
    guard parts.count <= 2, let first = parts.first, let base = IPAddress(first) else { throw fault }
    let width = base.isIPv4 ? 32 : 128
    var length = width
    if parts.count == 2 {
      guard parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let given = Int(parts[1]), given <= width else {
        throw fault
      }
      length = given
    }
    self.base = base
    prefixLength = length
    guard AddressRange.prefix(base.number, length, width) == base.number else {
      throw NetworkingError(
        .invalidAddress, "address range \"\(text)\"", detail: "bits are set beyond the prefix /\(length)")
    }
  }

  /// Whether the address lies in the range; the families never match each other.
  public func contains(_ address: IPAddress) -> Bool {
    address.isIPv4 == base.isIPv4
      && AddressRange.prefix(address.number, prefixLength, base.isIPv4 ? 32 : 128) == base.number
  }

  /// CIDR notation.
  public var description: String { "\(base)/\(prefixLength)" }

  private static func prefix(_ number: UInt128, _ length: Int, _ width: Int) -> UInt128 {
    // A shift by the full width gives 0, as `<<` on fixed-width integers is a smart shift.
    let dropped = width - length
    return (number >> dropped) << dropped
  }
}
