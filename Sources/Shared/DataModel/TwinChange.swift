/// What a message changed in a twin.
public struct TwinChange: Sendable, Equatable {
  /// A value that is not what it was. Secret values never stand here.
  public struct Value: Sendable, Equatable {
    /// The parameter.
    public var path: ParameterPath
    /// The value before; `nil` where none was known.
    public var before: String?
    /// The value now.
    public var after: String
  }

  /// The values that changed or became known, in the message's order.
  public internal(set) var values: [Value] = []
  /// Paths that the message named but whose blocks are not loaded: nothing of them was kept. Empty where the user
  /// loaded the scope of the message first.
  public internal(set) var notLoaded: [ParameterPath] = []

  init() {}
}
