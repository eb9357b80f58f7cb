/// What a task asks of a CPE: an RPC with its arguments, frozen when the task is queued (docs/architecture.md, section
/// 4).
///
/// As JSON (in the API and in `task.arguments`) the arguments are one object with snake-case keys; the method travels
/// beside it.
public enum TaskRequest: Sendable, Hashable {
  /// Asks which RPCs the CPE knows (TR-069 A.3.1.1).
  case getRPCMethods
  /// Lists parameters and objects under a path (A.3.2.3).
  case getParameterNames(path: String, nextLevel: Bool)
  /// Reads parameters or whole subtrees (A.3.2.2).
  case getParameterValues(names: [String])
  /// Reads notification and access lists (A.3.2.5).
  case getParameterAttributes(names: [String])
  /// Sets parameters as one atomic set (A.3.2.1). The ParameterKey is at most 32 characters and may be empty.
  case setParameterValues([Setting], parameterKey: String = "")
  /// Sets notification or access lists (A.3.2.4).
  case setParameterAttributes([AttributeSetting])
  /// Makes an instance (A.3.2.6). The path ends in a dot.
  case addObject(path: String)
  /// Removes an instance (A.3.2.7). The path ends in a dot.
  case deleteObject(path: String)
  /// Restarts the CPE (A.3.2.9).
  case reboot
  /// Resets it to what left the factory (A.4.1.6).
  case factoryReset
  /// Has it fetch a file (A.3.2.8).
  case download(Transfer)
  /// Has it inform after a delay in seconds (A.4.1.2).
  case scheduleInform(delaySeconds: UInt32)
  /// Gives the device credentials of its own (section 5). The values are sealed in `credential`, never in a task.
  case giveCredentials(keepManagementServer: Bool)

  /// A parameter and the value it is to have.
  public struct Setting: Sendable, Hashable, Codable {
    /// The parameter's full name.
    public var name: String
    /// The value as CWMP writes it.
    public var value: String
    /// The type, for example `xsd:unsignedInt`; nil takes what the twin knows, else `xsd:string`.
    public var type: String?

    /// Creates a setting.
    public init(name: String, value: String, type: String? = nil) {
      self.name = name
      self.value = value
      self.type = type
    }
  }

  /// A parameter and the attributes it is to have; what is nil stays as it is.
  public struct AttributeSetting: Sendable, Hashable, Codable {
    /// A parameter's name or a partial path.
    public var name: String
    /// 0 off, 1 passive, 2 active, 3 to 6 lightweight (item 141).
    public var notification: Int?
    /// Who besides the ACS may write: `Subscriber` or nobody.
    public var accessList: [String]?

    enum CodingKeys: String, CodingKey {
      case name, notification
      case accessList = "access_list"
    }

    /// Creates a setting of attributes.
    public init(name: String, notification: Int? = nil, accessList: [String]? = nil) {
      self.name = name
      self.notification = notification
      self.accessList = accessList
    }
  }

  /// A file for a CPE to fetch.
  public struct Transfer: Sendable, Hashable, Codable {
    /// For example `1 Firmware Upgrade Image` (table 2.3).
    public var fileType: String
    /// Where the CPE fetches it.
    public var url: String
    /// What it says there, empty for nothing.
    public var username: String
    /// What it says there, empty for nothing.
    public var password: String
    /// Bytes, 0 when unknown.
    public var fileSize: UInt32
    /// What to call it on the CPE, empty for its own choice.
    public var targetFileName: String
    /// Seconds to wait before.
    public var delaySeconds: UInt32
    /// The software version that shows that the file was taken into use, empty when unknown (item 155).
    public var softwareVersion: String

    enum CodingKeys: String, CodingKey {
      case fileType = "file_type"
      case url, username, password
      case fileSize = "file_size"
      case targetFileName = "target_file_name"
      case delaySeconds = "delay_seconds"
      case softwareVersion = "software_version"
    }

    /// Creates a transfer.
    public init(
      fileType: String, url: String, username: String = "", password: String = "", fileSize: UInt32 = 0,
      targetFileName: String = "", delaySeconds: UInt32 = 0, softwareVersion: String = ""
    ) {
      self.fileType = fileType
      self.url = url
      self.username = username
      self.password = password
      self.fileSize = fileSize
      self.targetFileName = targetFileName
      self.delaySeconds = delaySeconds
      self.softwareVersion = softwareVersion
    }

    /// Reads a transfer; all but `file_type` and `url` may be left out.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      fileType = try container.decode(String.self, forKey: .fileType)
      url = try container.decode(String.self, forKey: .url)
      username = try container.decodeIfPresent(String.self, forKey: .username) ?? ""
      password = try container.decodeIfPresent(String.self, forKey: .password) ?? ""
      fileSize = try container.decodeIfPresent(UInt32.self, forKey: .fileSize) ?? 0
      targetFileName = try container.decodeIfPresent(String.self, forKey: .targetFileName) ?? ""
      delaySeconds = try container.decodeIfPresent(UInt32.self, forKey: .delaySeconds) ?? 0
      softwareVersion = try container.decodeIfPresent(String.self, forKey: .softwareVersion) ?? ""
    }
  }

  /// The RPC's name, as in CWMP and in the API; ``giveCredentials(keepManagementServer:)`` is `GiveCredentials` there
  /// though it travels as SetParameterValues.
  public var method: String {
    switch self {
    case .getRPCMethods: "GetRPCMethods"
    case .getParameterNames: "GetParameterNames"
    case .getParameterValues: "GetParameterValues"
    case .getParameterAttributes: "GetParameterAttributes"
    case .setParameterValues: "SetParameterValues"
    case .setParameterAttributes: "SetParameterAttributes"
    case .addObject: "AddObject"
    case .deleteObject: "DeleteObject"
    case .reboot: "Reboot"
    case .factoryReset: "FactoryReset"
    case .download: "Download"
    case .scheduleInform: "ScheduleInform"
    case .giveCredentials: "GiveCredentials"
    }
  }

  /// The name of the RPC on the wire, which its response is named for.
  public var rpcName: String {
    if case .giveCredentials = self { "SetParameterValues" } else { method }
  }

  /// The names that a reading RPC asks for; empty for others.
  public var names: [String] {
    switch self {
    case .getParameterValues(let names), .getParameterAttributes(let names): names
    default: []
    }
  }

  /// What a SetParameterValues sets; empty for others.
  public var settings: [Setting] {
    if case .setParameterValues(let settings, _) = self { settings } else { [] }
  }

  /// Whether doing it twice may harm (promise P4): such a task is never repeated blindly.
  public var isOnceByNature: Bool {
    switch self {
    case .reboot, .factoryReset, .addObject, .download: true
    default: diagnosticsState != nil
    }
  }

  /// The DiagnosticsState that a SetParameterValues sets, which starts diagnostics; nil for others.
  public var diagnosticsState: String? { settings.first { $0.name.hasSuffix(".DiagnosticsState") }?.name }
}
