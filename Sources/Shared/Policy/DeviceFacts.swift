public import DataModel

/// What policies match a device by, and what their templates may name.
public struct DeviceFacts: Sendable, Equatable {
  /// The canonical identity, `OUI-ProductClass-SerialNumber`.
  public var identity = ""
  /// DeviceId.Manufacturer.
  public var manufacturer = ""
  /// DeviceId.OUI.
  public var oui = ""
  /// DeviceId.ProductClass.
  public var productClass = ""
  /// DeviceId.SerialNumber.
  public var serialNumber = ""
  /// `DeviceInfo.SoftwareVersion`.
  public var softwareVersion = ""
  /// `DeviceInfo.HardwareVersion`.
  public var hardwareVersion = ""
  /// Labels that operators gave the device.
  public var tags: Set<String> = []
  /// The root data model, told from the Inform's parameters (item 99); `nil` while unknown.
  public var root: RootDataModel?

  /// A device of which nothing is known.
  public init() {}
}
