/// The end of a Download or Upload (TR-069 A.3.3.2).
public struct TransferComplete: Sendable, Hashable {
  /// The CommandKey of the request; may be empty (item 152).
  public var commandKey: String
  /// How it ended.
  public var fault: TransferFault
  /// When it began.
  public var startTime: DateTimeText
  /// When it was complete.
  public var completeTime: DateTimeText

  /// Makes a message.
  public init(
    commandKey: String, fault: TransferFault = .success, startTime: DateTimeText = .unknown,
    completeTime: DateTimeText = .unknown
  ) {
    self.commandKey = commandKey
    self.fault = fault
    self.startTime = startTime
    self.completeTime = completeTime
  }
}
