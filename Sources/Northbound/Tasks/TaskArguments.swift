import DataModel
import Fleet

/// Checks what a task would send before it is queued: unknown arguments, paths, and the limits of CWMP's types
/// (item 145: names 256, ParameterKey 32, URL 256, user name and password 256, TargetFileName 256, FileType 64).
enum TaskArguments {
  /// How many names or settings one RPC may carry.
  static let maximumCount = 1024
  /// Bytes of one value: what a CPE can be expected to take.
  static let maximumValue = 65_536

  /// The request of a method and its arguments.
  static func request(_ method: String, _ arguments: [String: JSONValue]) throws(Problem) -> TaskRequest {
    let request: TaskRequest
    do throws(TaskRequestError) {
      request = try TaskRequest(method: method, arguments: JSONValue.object(arguments).encoded)
    } catch {
      // They came from JSON, so only a number can have been in the way.
      if error.place == "arguments" {
        throw Problem(.invalidField, "arguments hold a number out of its range", field: "arguments")
      }
      let field = error.place == "method" ? error.place : "arguments.\(error.place)"
      throw Problem(.invalidField, "\(field) \(error.what)", field: field)
    }
    let known = Self.known(request)
    if let name = arguments.keys.sorted().first(where: { !known.contains($0) }) {
      let list = known.isEmpty ? "\(method) takes none" : "known are \(known.joined(separator: ", "))"
      throw wrong(name, "is not known here; \(list)")
    }
    try check(request)
    return request
  }

  private static func known(_ request: TaskRequest) -> [String] {
    switch request {
    case .getRPCMethods, .reboot, .factoryReset: []
    case .getParameterNames: ["path", "next_level"]
    case .getParameterValues, .getParameterAttributes: ["names"]
    case .setParameterValues: ["parameters", "parameter_key"]
    case .setParameterAttributes: ["parameters"]
    case .addObject, .deleteObject: ["path"]
    case .download:
      [
        "file_type", "url", "username", "password", "file_size", "target_file_name", "delay_seconds",
        "software_version",
      ]
    case .scheduleInform: ["delay_seconds"]
    case .giveCredentials: ["keep_management_server"]
    }
  }

  private static func check(_ request: TaskRequest) throws(Problem) {
    switch request {
    case .getRPCMethods, .reboot, .factoryReset, .giveCredentials: break
    case .getParameterNames(let path, _):
      // An empty path asks for the root itself (A.3.2.3).
      if !path.isEmpty { try self.path(path, "path") }
    case .getParameterValues(let names), .getParameterAttributes(let names):
      try count(names.count, "names")
      for (index, name) in names.enumerated() where !name.isEmpty { try path(name, "names[\(index)]") }
    case .setParameterValues(let settings, let key):
      try count(settings.count, "parameters")
      try length(key, 0...32, "parameter_key")
      try self.settings(settings)
    case .setParameterAttributes(let settings):
      try count(settings.count, "parameters")
      for (index, setting) in settings.enumerated() { try attributes(setting, "parameters[\(index)]") }
    case .addObject(let path), .deleteObject(let path): try object(path, request)
    case .download(let transfer): try self.transfer(transfer)
    case .scheduleInform(let delay):
      guard delay > 0 else { throw wrong("delay_seconds", "is to be above 0") }
    }
  }

  private static func settings(_ settings: [TaskRequest.Setting]) throws(Problem) {
    var seen: Set<String> = []
    for (index, setting) in settings.enumerated() {
      let place = "parameters[\(index)]"
      let path = try self.path(setting.name, "\(place).name")
      if path.isObject { throw wrong("\(place).name", "is to be a parameter, not an object") }
      if !seen.insert(setting.name).inserted { throw wrong("\(place).name", "is there twice") }
      try length(setting.value, 0...maximumValue, "\(place).value")
      if let type = setting.type, !ParameterType(wireName: type).isKnown {
        throw wrong("\(place).type", "is no type of CWMP, such as xsd:string or xsd:unsignedInt")
      }
    }
  }

  private static func attributes(_ setting: TaskRequest.AttributeSetting, _ place: String) throws(Problem) {
    try path(setting.name, "\(place).name")
    if let notification = setting.notification, !(0...6).contains(notification) {
      throw wrong("\(place).notification", "is to be 0 to 6")
    }
    guard setting.notification != nil || setting.accessList != nil else {
      throw wrong(place, "sets neither notification nor access_list")
    }
    for entry in setting.accessList ?? [] { try length(entry, 1...64, "\(place).access_list") }
  }

  private static func object(_ text: String, _ request: TaskRequest) throws(Problem) {
    let path = try self.path(text, "path")
    guard path.isObject else { throw wrong("path", "is to end in a dot") }
    let isInstance = ParameterPath.isInstance(path.lastSegment)
    switch request {
    case .addObject where isInstance: throw wrong("path", "names an instance; name its table")
    case .deleteObject where !isInstance: throw wrong("path", "is to name an instance, such as Device.A.1.")
    default: break
    }
  }

  private static func transfer(_ transfer: TaskRequest.Transfer) throws(Problem) {
    try length(transfer.fileType, 1...64, "file_type")
    try length(transfer.url, 1...256, "url")
    let scheme = transfer.url.prefix { $0 != ":" }.lowercased()
    guard ["http", "https", "ftp", "sftp", "tftp"].contains(scheme), transfer.url.contains("://") else {
      throw wrong("url", "is to begin with http://, https://, ftp://, sftp:// or tftp://")
    }
    try length(transfer.username, 0...256, "username")
    try length(transfer.password, 0...256, "password")
    try length(transfer.targetFileName, 0...256, "target_file_name")
    try length(transfer.softwareVersion, 0...64, "software_version")
  }

  // MARK: - Pieces

  @discardableResult
  private static func path(_ text: String, _ place: String) throws(Problem) -> ParameterPath {
    do throws(ParameterPathError) {
      return try ParameterPath(text)
    } catch {
      throw wrong(place, "is no path: \(error)")
    }
  }

  private static func count(_ count: Int, _ place: String) throws(Problem) {
    guard (1...maximumCount).contains(count) else {
      throw wrong(place, "is to have 1 to \(maximumCount) members, not \(count)")
    }
  }

  private static func length(_ text: String, _ range: ClosedRange<Int>, _ place: String) throws(Problem) {
    guard range.contains(text.count) else {
      throw wrong(place, "is to have \(range.lowerBound) to \(range.upperBound) characters, not \(text.count)")
    }
    guard !text.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }) else {
      throw wrong(place, "holds a control character, which XML cannot carry")
    }
  }

  private static func wrong(_ name: String, _ what: String) -> Problem {
    Problem(.invalidField, "arguments.\(name) \(what)", field: "arguments.\(name)")
  }
}
