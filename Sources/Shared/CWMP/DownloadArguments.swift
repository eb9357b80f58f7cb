/// The ten arguments of Download (TR-069 A.3.2.8), all of which are always sent (item 147).
public struct DownloadArguments: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Comes back in TransferComplete; unique, at most 32 characters (item 156).
  public var commandKey: String
  /// A text of table 2.3, such as `1 Firmware Upgrade Image`.
  public var fileType: String
  /// Where the CPE fetches the file.
  public var url: String
  /// The user name for the file server; may be empty.
  public var username: String
  /// The password for the file server; may be empty.
  public var password: String
  /// In bytes; 0 when unknown.
  public var fileSize: UInt32
  /// The file's name on the CPE; may be empty.
  public var targetFileName: String
  /// Seconds to wait before the download.
  public var delaySeconds: UInt32
  /// Where a browser goes afterwards; nearly always empty.
  public var successURL: String
  /// Where a browser goes on failure; nearly always empty.
  public var failureURL: String

  /// Makes the arguments.
  public init(
    commandKey: String, fileType: String, url: String, username: String = "", password: String = "",
    fileSize: UInt32 = 0, targetFileName: String = "", delaySeconds: UInt32 = 0, successURL: String = "",
    failureURL: String = ""
  ) {
    self.commandKey = commandKey
    self.fileType = fileType
    self.url = url
    self.username = username
    self.password = password
    self.fileSize = fileSize
    self.targetFileName = targetFileName
    self.delaySeconds = delaySeconds
    self.successURL = successURL
    self.failureURL = failureURL
  }

  /// What is transferred, for logs; without URL, user name and password, which may hold secrets.
  public var description: String { "\(fileType) (\(commandKey))" }
}
