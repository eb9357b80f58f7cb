public import Networking

/// What operators may set of a scheduler.
public struct SchedulerSettings: Sendable {
  /// How connection requests are sent.
  public var connectionRequests = ConnectionRequestSettings()
  /// Where CPEs fetch firmware images: the gateway's file directory, such as `http://acs.example.net:7547/files`.
  public var fileURL = ""
  /// How long a campaign's Download may take, from its making to the device's report.
  public var downloadPatience: Duration = .seconds(86_400)
  /// How long a device whose Download ended well may take to report the image's version.
  public var verificationPatience: Duration = .seconds(3600)
  /// How long finished tasks are kept.
  public var historyRetention: Duration = .seconds(90 * 86_400)

  /// The defaults.
  public init() {}
}

/// How connection requests are sent (TR-069 §3.2.2).
public struct ConnectionRequestSettings: Sendable {
  /// How many may be under way at once in this process.
  public var concurrency = 64
  /// How many this process may begin in a second.
  public var perSecond = 200
  /// Where devices may be; empty: anywhere that a device can be. With loopback only by ``allowsLoopback``.
  public var networks: [AddressRange] = []
  /// How long one may take, from connecting to the last answer.
  public var deadline: Duration = .seconds(5)
  /// The least time between two to one device (item 183).
  public var interval: Duration = .seconds(30)
  /// The longest time between two to one device.
  public var longestInterval: Duration = .seconds(3600)
  /// Whether a device may be asked at an address of this very machine: for simulators. Otherwise one that informs
  /// through a proxy on this host could have us talk to its other services.
  public var allowsLoopback = false

  /// The defaults.
  public init() {}
}
