public import DataModel

/// One policy as an operator wrote it (docs/policies.md).
public struct PolicyDocument: Sendable, Equatable {
  /// A value that a parameter must have.
  public struct Setting: Sendable, Equatable {
    /// The parameter.
    public var path: PolicyPath
    /// The value, once variables are filled in.
    public var value: PolicyTemplate
    /// The type that the document names, or that its value suggests.
    public var type: ParameterType
    /// Whether the document names the type; else a type that the CPE has told goes first.
    public var isTypeGiven: Bool

    /// Makes a setting.
    public init(path: PolicyPath, value: PolicyTemplate, type: ParameterType, isTypeGiven: Bool) {
      self.path = path
      self.value = value
      self.type = type
      self.isTypeGiven = isTypeGiven
    }
  }

  /// How fresh the knowledge of a parameter or a whole object must be.
  public struct Refresh: Sendable, Equatable {
    /// The parameter or object.
    public var path: PolicyPath
    /// The oldest that the knowledge may be, in milliseconds.
    public var maxAge: UnixMilliseconds

    /// Makes a refresh.
    public init(path: PolicyPath, maxAge: UnixMilliseconds) {
      self.path = path
      self.maxAge = maxAge
    }
  }

  /// Its name, by which it is stored: 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`.
  public var name: String
  /// Its strength against others that want the same parameter: the higher wins. 0 where not given.
  public var priority: Int
  /// The devices for which it is.
  public var match: PolicyMatch
  /// The event codes of an Inform on which it acts, such as `1 BOOT`; empty for all.
  public var events: [String]
  /// What must hold, in the document's order, each path once.
  public var ensure: [Setting]
  /// What must be known, in the document's order.
  public var refresh: [Refresh]

  /// Makes a policy of its parts.
  public init(
    name: String, priority: Int = 0, match: PolicyMatch = PolicyMatch(), events: [String] = [],
    ensure: [Setting] = [], refresh: [Refresh] = []
  ) {
    self.name = name
    self.priority = priority
    self.match = match
    self.events = events
    self.ensure = ensure
    self.refresh = refresh
  }
}
