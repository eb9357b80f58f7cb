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

  /// The last Inform's time, in milliseconds since 1970.
  public var lastInform: Int64?
  /// Its SoftwareVersion.
  public var softwareVersion: String?
  /// The parameters by path; nil for those whose value is not known or not shown.
  public var parameters: [String: String?]
  /// All tasks.
  public var tasks: [Task]

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
