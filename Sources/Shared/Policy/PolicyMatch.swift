public import DataModel

/// The devices for which a policy is: every list that is not empty must hold one that fits.
public struct PolicyMatch: Sendable, Equatable {
  /// DeviceId.Manufacturer.
  public var manufacturer: [Glob] = []
  /// DeviceId.OUI, in either case (item 80).
  public var oui: [Glob] = []
  /// DeviceId.ProductClass.
  public var productClass: [Glob] = []
  /// The software version.
  public var softwareVersion: [Glob] = []
  /// The hardware version.
  public var hardwareVersion: [Glob] = []
  /// Tags: one of the device's must fit one of these.
  public var tags: [Glob] = []
  /// Root data models.
  public var root: [RootDataModel] = []

  /// Every device.
  public init() {}

  /// Whether the policy is for that device.
  public func holds(for facts: DeviceFacts) -> Bool {
    Self.fits(manufacturer, facts.manufacturer)
      && (oui.isEmpty || Self.fits(oui.map { Glob($0.text.uppercased()) }, facts.oui.uppercased()))
      && Self.fits(productClass, facts.productClass)
      && Self.fits(softwareVersion, facts.softwareVersion)
      && Self.fits(hardwareVersion, facts.hardwareVersion)
      && (tags.isEmpty || facts.tags.contains { Self.fits(tags, $0) })
      && (root.isEmpty || facts.root.map(root.contains) ?? false)
  }

  /// How many patterns there are: the steps that a match takes at most.
  var count: Int {
    manufacturer.count + oui.count + productClass.count + softwareVersion.count + hardwareVersion.count + tags.count
      + root.count
  }

  private static func fits(_ patterns: [Glob], _ text: String) -> Bool {
    patterns.isEmpty || patterns.contains { $0.matches(text) }
  }
}
