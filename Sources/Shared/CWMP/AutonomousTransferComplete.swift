/// The end of a transfer that this ACS did not ask for (TR-069 A.3.3.3, item 153).
public struct AutonomousTransferComplete: Sendable, Hashable {
  /// Where the CPE heard of the file.
  public var announceURL: String
  /// Where the file came from or went to.
  public var transferURL: String
  /// Download (true) or upload.
  public var isDownload: Bool
  /// A text of table 2.3.
  public var fileType: String
  /// In bytes; 0 when unknown.
  public var fileSize: UInt64
  /// The file's name on the CPE.
  public var targetFileName: String
  /// How it ended.
  public var fault: TransferFault
  /// When it began.
  public var startTime: DateTimeText
  /// When it was complete.
  public var completeTime: DateTimeText

  /// Makes a message.
  public init(
    announceURL: String = "", transferURL: String, isDownload: Bool, fileType: String, fileSize: UInt64 = 0,
    targetFileName: String = "", fault: TransferFault = .success, startTime: DateTimeText = .unknown,
    completeTime: DateTimeText = .unknown
  ) {
    self.announceURL = announceURL
    self.transferURL = transferURL
    self.isDownload = isDownload
    self.fileType = fileType
    self.fileSize = fileSize
    self.targetFileName = targetFileName
    self.fault = fault
    self.startTime = startTime
    self.completeTime = completeTime
  }
}
