/// The DeviceId of an Inform (TR-069 A.3.3.1, item 79).
public struct DeviceID: Sendable, Hashable, Codable {
  /// The manufacturer's name; for display, no part of the identity.
  public var manufacturer: String
  /// The manufacturer's OUI as sent: six hexadecimal digits, in either case.
  public var oui: String
  /// The product class; may be empty.
  public var productClass: String
  /// The serial number, unique within OUI and product class.
  public var serialNumber: String

  /// Makes a DeviceId from its four parts.
  public init(manufacturer: String = "", oui: String, productClass: String = "", serialNumber: String) {
    self.manufacturer = manufacturer
    self.oui = oui
    self.productClass = productClass
    self.serialNumber = serialNumber
  }

  /// What of a DeviceId is too long to be taken, in words; nil where nothing is.
  ///
  /// The bounds are those of item 79 and lenient: 64 characters of up to four bytes of UTF-8; an OUI, which should have
  /// six characters, may have 32 bytes. An identity is then at most 1,634 bytes: an index of PostgreSQL takes 2,704.
  public var excess: String? {
    Self.excess("Manufacturer", manufacturer, 256) ?? Self.excess("OUI", oui, 32)
      ?? Self.excess("ProductClass", productClass, 256) ?? Self.excess("SerialNumber", serialNumber, 256)
  }

  private static func excess(_ name: StaticString, _ part: String, _ most: Int) -> String? {
    part.utf8.count > most ? "\(name) is longer than \(most) bytes" : nil
  }

  /// The identity by which everything keys a device (item 80): `OUI-ProductClass-SerialNumber` in UTF-8, each part
  /// trimmed, the OUI in upper case, always three parts, every byte outside `[A-Za-z0-9_]` as `%XX`.
  public var canonicalIdentity: String {
    var identity: [UInt8] = []
    identity.reserveCapacity(oui.utf8.count + productClass.utf8.count + serialNumber.utf8.count + 2)
    Self.append(oui, to: &identity, uppercase: true)
    identity.append(UInt8(ascii: "-"))
    Self.append(productClass, to: &identity)
    identity.append(UInt8(ascii: "-"))
    Self.append(serialNumber, to: &identity)
    return String(decoding: identity, as: UTF8.self)
  }

  private static func append(_ part: String, to identity: inout [UInt8], uppercase: Bool = false) {
    let digits: StaticString = "0123456789ABCDEF"
    for byte in part.trimmingXMLSpace().utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"): identity.append(uppercase ? byte & 0xDF : byte)
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        identity.append(byte)
      default:
        identity.append(UInt8(ascii: "%"))
        identity.append(digits.utf8Start[Int(byte >> 4)])
        identity.append(digits.utf8Start[Int(byte & 15)])
      }
    }
  }
}
