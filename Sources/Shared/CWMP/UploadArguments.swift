/// The arguments of Upload (TR-069 A.4.1.5).
public struct UploadArguments: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Comes back in TransferComplete; unique, at most 32 characters (item 156).
  public var commandKey: String
  /// A text of table 2.3, such as `4 Vendor Log File 1` (item 148).
  public var fileType: String
  /// Where the CPE puts the file.
  public var url: String
  /// The user name for the file server; may be empty.
  public var username: String
  /// The password for the file server; may be empty.
  public var password: String
  /// Seconds to wait before the upload.
  public var delaySeconds: UInt32

  /// Makes the arguments.
  public init(
    commandKey: String, fileType: String, url: String, username: String = "", password: String = "",
    delaySeconds: UInt32 = 0
  ) {
    self.commandKey = commandKey
    self.fileType = fileType
    self.url = url
    self.username = username
    self.password = password
    self.delaySeconds = delaySeconds
  }

  /// What is transferred, for logs; without URL, user name and password, which may hold secrets.
  public var description: String { "\(fileType) (\(commandKey))" }
}
