public import DataModel

/// What the policies in force ask of a device now.
public struct Plan: Sendable, Equatable {
  /// Two policies that want different things of one parameter: the first won by priority, then name.
  public struct Conflict: Sendable, Equatable {
    /// The parameter.
    public var path: ParameterPath
    /// The policy whose setting holds.
    public var winner: String
    /// The policy whose setting does not.
    public var loser: String
  }

  /// The RPCs in the order in which to send them. After the first one's answer a new plan is made; the rest shows how
  /// far there is to go.
  public internal(set) var rpcs: [PlannedRPC] = []
  /// The names of the policies that match the device and this session's events, the strongest first.
  public internal(set) var inForce: [String] = []
  /// Where policies disagree.
  public internal(set) var conflicts: [Conflict] = []
  /// The policies that do not hold, to be stored in place of the session's.
  public internal(set) var standings: [PolicyStanding] = []
  /// Secret parameters not sent because the device came without its own credential.
  public internal(set) var withheld: [ParameterPath] = []
  /// Paths whose blocks were not loaded, so that nothing was planned for them: a mistake of the caller's, see
  /// ``PolicyEngine/scope(for:)``.
  public internal(set) var notLoaded: [ParameterPath] = []
  /// When policies next ask something of the device without news from it: an Inform before then may be trivial. Now or
  /// earlier means that the next one may not; `nil` that nothing is scheduled.
  public internal(set) var nextDue: UnixMilliseconds?
  /// 24 hexadecimal digits over the sorted `name@version` of the policies that match the device and are not held back.
  public internal(set) var parameterKey = ""
  /// Whether the bound on steps ended the evaluation early: policies after it were not looked at.
  public internal(set) var isCutShort = false

  init() {}
}
