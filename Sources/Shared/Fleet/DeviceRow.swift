public import Cryptography

/// A device as fleets are searched by: the row of table `device`. It changes rarely.
public struct DeviceRow: Sendable, Hashable {
  /// UUIDv5 of ``identity``.
  public var id: UUID128
  /// `OUI-ProductClass-SerialNumber`, escaped (docs/architecture.md, section 5).
  public var identity: String
  /// From DeviceId, as the CPE wrote it.
  public var manufacturer: String
  /// From DeviceId, in capitals.
  public var oui: String
  /// From DeviceId; may be empty.
  public var productClass: String
  /// From DeviceId.
  public var serialNumber: String
  /// `Device.` or `InternetGatewayDevice.`, empty while unknown (item 99).
  public var root = ""
  /// DeviceInfo.SoftwareVersion as last informed.
  public var softwareVersion = ""
  /// DeviceInfo.HardwareVersion as last informed.
  public var hardwareVersion = ""
  /// DeviceInfo.ProvisioningCode as last informed.
  public var provisioningCode = ""
  /// ManagementServer.ConnectionRequestURL as last informed (item 100).
  public var connectionRequestURL = ""
  /// The address that the last Inform came from: the only one we send connection requests to.
  public var peer = ""
  /// What operators call it by; policies and campaigns match them.
  public var tags: [String] = []
  /// What to spare this CPE when we write to it: the raw value of a CWMP dialect.
  public var dialect: Int32 = 0
  /// The RPCs that it named when asked, empty while it was not.
  public var methods: [String] = []
  /// First contact, microseconds since 1970.
  public var createdAt: Int64
  /// Last contact, refreshed at most once an hour; microseconds since 1970.
  public var seenAt: Int64

  /// Creates the row of a device on first contact.
  public init(
    id: UUID128, identity: String, manufacturer: String, oui: String, productClass: String, serialNumber: String,
    at now: Int64
  ) {
    self.id = id
    self.identity = identity
    self.manufacturer = manufacturer
    self.oui = oui
    self.productClass = productClass
    self.serialNumber = serialNumber
    createdAt = now
    seenAt = now
  }
}
