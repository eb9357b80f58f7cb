/// One event of an Inform with its CommandKey, which only M events carry.
public struct EventStruct: Sendable, Hashable {
  /// What happened.
  public var code: EventCode
  /// The CommandKey of the RPC that caused it; empty for most.
  public var commandKey: String

  /// Makes an event.
  public init(_ code: EventCode, commandKey: String = "") {
    self.code = code
    self.commandKey = commandKey
  }
}
