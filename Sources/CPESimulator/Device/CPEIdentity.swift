public import CWMP

/// Who a simulated CPE is: all of it follows from its index.
public struct CPEIdentity: Sendable, Hashable {
  /// The OUI of all simulated CPEs.
  public static let oui = "00D09E"
  /// The product class of all simulated CPEs.
  public static let productClass = "Carillon"

  /// The CPE's number, from 0.
  public let index: UInt32

  /// The identity of a CPE by its number, from 0.
  public init(index: UInt32) { self.index = index }

  /// Eight digits, from `00000001` on.
  public var serialNumber: String { Self.padded(index + 1) }

  /// `00D09E-Carillon-00000001`, also its user name.
  public var name: String { "\(Self.oui)-\(Self.productClass)-\(serialNumber)" }

  /// The DeviceId of its Informs.
  public var deviceID: DeviceID {
    DeviceID(
      manufacturer: "Carillon", oui: Self.oui, productClass: Self.productClass, serialNumber: serialNumber)
  }

  /// A locally administered address of the CPE's own.
  var macAddress: String {
    let digits = String(UInt64(0x0200_0000_0000) | UInt64(index) << 8, radix: 16, uppercase: true)
    let padded = String(repeating: "0", count: 12 - digits.count) + digits
    return stride(from: 0, to: 12, by: 2).map { start in
      String(padded.dropFirst(start).prefix(2))
    }.joined(separator: ":")
  }

  /// An address that a provider might give out.
  var wanAddress: String { "10.\(index >> 16 & 255).\(index >> 8 & 255).\(index & 255)" }

  /// The CPE's number from its serial; nil if that is none of a simulated CPE.
  public init?(serialNumber: some StringProtocol) {
    guard serialNumber.utf8.count == 8, let number = UInt32(serialNumber), number > 0 else { return nil }
    index = number - 1
  }

  private static func padded(_ number: UInt32) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }
}
