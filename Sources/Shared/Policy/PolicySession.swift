/// What the engine knows of a device in one session besides its twin. The worker keeps it between rounds; ``progress``
/// may be lost at any time and costs some RPCs then, all else is stored or told by the Inform.
public struct PolicySession: Sendable, Equatable {
  /// Marks of this session.
  public struct Progress: Sendable, Equatable {
    /// The present size of GetParameterValues, halved by each fault (item 129); `nil` for the limits'.
    public var readBatch: Int?
    /// Whether a GetParameterValues faulted: what is to be set then goes before what is to be read.
    public var readsFaulted = false
    /// Whether a SetParameterValues of several policies faulted without naming a parameter (Q40): each goes alone.
    public var setsAlone = false

    /// The beginning of a session.
    public init() {}
  }

  /// What the device is.
  public var facts: DeviceFacts
  /// The Inform's event codes, such as `2 PERIODIC`.
  public var events: [String]
  /// Whether the device came with its own credential: else no secret parameter is sent (docs/architecture.md, section
  /// 5).
  public var maySendSecrets: Bool
  /// The policies that do not hold; written where ``Plan/standings`` or a fault changed them.
  public var standings: [PolicyStanding]
  /// Marks of this session.
  public var progress = Progress()

  /// The beginning of a session.
  public init(facts: DeviceFacts, events: [String], maySendSecrets: Bool, standings: [PolicyStanding]) {
    self.facts = facts
    self.events = events
    self.maySendSecrets = maySendSecrets
    self.standings = standings
  }
}
