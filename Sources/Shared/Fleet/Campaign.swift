public import Cryptography

/// A firmware campaign: an image, the devices that are to have it, and how fast (docs/architecture.md, section 2). Its
/// states as tables `campaign` and `campaign_device` keep them; the scheduler carries it out.
public enum Campaign {
  /// Where a campaign stands. Raw values are stored and never change.
  public enum State: Int16, Sendable, CaseIterable {
    /// Devices are planned and get their tasks as rate and concurrency allow.
    case running = 1
    /// No new tasks; those under way go on.
    case paused = 2
    /// Called off: waiting devices and queued tasks too; what was dispatched goes on.
    case cancelled = 3
    /// Every device is settled.
    case completed = 4

    /// As in the API and in events.
    public var name: String { "\(self)" }
  }

  /// Where one device stands in a campaign. Raw values are stored and never change.
  public enum DeviceState: Int16, Sendable, CaseIterable {
    /// Planned; waits for a slot.
    case waiting = 1
    /// Has its Download task.
    case underway = 2
    /// Reported the image's version.
    case succeeded = 10
    /// Its task failed, or it came back with another version.
    case failed = 11
    /// Was on the image's version already.
    case skipped = 12
    /// The campaign was called off before its turn, or its task was.
    case cancelled = 13

    /// Whether the campaign is done with the device.
    public var isFinal: Bool { rawValue >= 10 }

    /// As in the API and in events.
    public var name: String { "\(self)" }
  }

  /// Which devices a campaign is for; as JSON in `campaign.filter`. What is nil or left out matches every device.
  /// Besides, the device's manufacturer and product class must be among the image's.
  public struct Filter: Sendable, Hashable, Codable {
    /// Their OUIs, in capitals.
    public var oui: [String]?
    /// Their product classes.
    public var productClass: [String]?
    /// The software versions that they have now.
    public var softwareVersion: [String]?
    /// Their hardware versions.
    public var hardwareVersion: [String]?
    /// Tags of which they have every one.
    public var tags: [String]?
    /// Their ids.
    public var devices: [UUID128]?

    enum CodingKeys: String, CodingKey {
      case oui, tags, devices
      case productClass = "product_class"
      case softwareVersion = "software_version"
      case hardwareVersion = "hardware_version"
    }

    /// Matches every device.
    public init() {}
  }
}
