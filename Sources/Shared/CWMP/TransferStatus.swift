/// The response to Download and Upload (item 149).
public struct TransferStatus: Sendable, Hashable {
  /// 0: done, no TransferComplete will come. 1: TransferComplete will tell.
  public var status: Int
  /// When the transfer began; unknown time while it has not.
  public var startTime: DateTimeText
  /// When it was complete; unknown time while it is not.
  public var completeTime: DateTimeText

  /// Makes a response's content.
  public init(status: Int, startTime: DateTimeText = .unknown, completeTime: DateTimeText = .unknown) {
    self.status = status
    self.startTime = startTime
    self.completeTime = completeTime
  }
}
