/// What the server's API says of a device, as far as it is compared.
public struct ServerDevice: Sendable, Equatable {
  /// A task, live or finished.
  public struct Task: Sendable, Equatable {
    /// Its id.
    public var id: String
    /// Its method.
    public var method: String
    /// Its state, such as `succeeded`.
    public var state: String
    /// The last attempt's number.
    public var attempt: Int
    /// When it was made, in milliseconds since 1970.
    public var createdAt: Int64

    /// A task of these parts.
    public init(id: String, method: String, state: String, attempt: Int, createdAt: Int64) {
      self.id = id
      self.method = method
      self.state = state
      self.attempt = attempt
      self.createdAt = createdAt
    }
  }

  /// What the event log holds of it.
  public struct Log: Sendable, Equatable {
    /// A record of an Inform.
    public struct Inform: Sendable, Equatable {
      /// When the log took it, in milliseconds since 1970.
      public var time: Int64
      /// Its events' codes.
      public var events: [String]
      /// Its session.
      public var session: String

      /// A record of these parts.
      public init(time: Int64, events: [String], session: String) {
        self.time = time
        self.events = events
        self.session = session
      }
    }

    /// The Informs, in their order.
    public var informs: [Inform] = []
    /// How many TransferCompletes.
    public var transfers = 0
    /// How many records have become dead letters.
    public var deadLetters = 0
    /// A northbound event as it came on its topic.
    public struct Told: Sendable, Equatable {
      /// The topic.
      public var topic: String
      /// Its place among the device's events.
      public var sequence: Int
      /// Its id.
      public var id: String

      /// An event of these parts.
      public init(topic: String, sequence: Int, id: String) {
        self.topic = topic
        self.sequence = sequence
        self.id = id
      }
    }

    /// All northbound events, each topic's in its order.
    public var told: [Told] = []
    /// Of each northbound event, such as `carillon.device.booted.v1`, the sessions that it was told of.
    public var events: [String: Set<String>] = [:]

    /// Nothing yet.
    public init() {}
  }

  /// The last Inform's time, in milliseconds since 1970.
  public var lastInform: Int64?
  /// Its SoftwareVersion.
  public var softwareVersion: String?
  /// The parameters by path; nil for those whose value is not known or not shown.
  public var parameters: [String: String?]
  /// All tasks.
  public var tasks: [Task]
  /// What the event log holds of it; nil where that was not read.
  public var log: Log?

  /// A device of these parts.
  public init(
    lastInform: Int64? = nil, softwareVersion: String? = nil, parameters: [String: String?] = [:], tasks: [Task] = []
  ) {
    self.lastInform = lastInform
    self.softwareVersion = softwareVersion
    self.parameters = parameters
    self.tasks = tasks
  }
}
