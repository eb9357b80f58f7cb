import CWMP

/// The model of a device: its values, objects and attributes, and what RPCs make of them.
struct SimulatedDevice {
  static let table = "Device.NAT.PortMapping."
  static let version = "Device.DeviceInfo.SoftwareVersion"
  static let code = "Device.DeviceInfo.ProvisioningCode"
  static let key = "Device.ManagementServer.ParameterKey"
  static let diagnostics = "Device.IP.Diagnostics.IPPing.DiagnosticsState"
  static let methods = ["GetRPCMethods", "GetParameterValues", "SetParameterValues", "Reboot"]
  private static let factory = [
    version: "1.0", code: "", key: "", diagnostics: "None", SimulatedDatabase.path: "factory.example",
  ]

  /// What an RPC makes it do afterwards.
  enum Consequence {
    case reboot(key: String)
    case factoryReset
    /// A transfer ends, in a restart where it is a new version.
    case transfer(DownloadArguments)
    case diagnostics
    case inform(key: String, seconds: UInt32)
    case password(String)
  }

  enum Answer {
    case response(CPEResponse)
    case fault(CWMPFault)
  }

  /// Goes up with each factory reset.
  private(set) var life = 0
  var values = SimulatedDevice.factory
  private(set) var instances: [UInt32] = []
  private(set) var notification = 0
  private var nextInstance: UInt32 = 1

  /// Does what is asked.
  mutating func perform(_ request: CWMPRequest) -> (Answer, [Consequence]) {
    switch request {
    case .reboot(let key): (.response(.reboot), [.reboot(key: key)])
    case .factoryReset: (.response(.factoryReset), [.factoryReset])
    case .download(let arguments): download(arguments)
    case .scheduleInform(let seconds, let key):
      (.response(.scheduleInform), [.inform(key: key, seconds: seconds)])
    case .setParameterValues(let settings, let key): set(settings, key)
    case .addObject: (.response(add()), [])
    case .deleteObject(let path, _): (delete(path), [])
    case .setParameterAttributes(let changes): (.response(take(changes)), [])
    default: (.response(read(request)), [])
    }
  }

  private func read(_ request: CWMPRequest) -> CPEResponse {
    switch request {
    case .getParameterValues(let names):
      let asked = values.sorted { $0.key < $1.key }.filter { value in names.contains { value.key.hasPrefix($0) } }
      return .getParameterValues(ParameterList(asked.map { ParameterValue($0.key, $0.value) }))
    case .getParameterNames(let path, _):
      return .getParameterNames(ParameterInfoList(instances.map { ParameterInfo("\(path)\($0).", writable: true) }))
    case .getParameterAttributes(let names):
      return .getParameterAttributes(names.map { ParameterAttributes($0, notification: notification) })
    default: return .getRPCMethods(Self.methods)
    }
  }

  /// One from a directory of its own is there at once.
  private mutating func download(_ arguments: DownloadArguments) -> (Answer, [Consequence]) {
    if arguments.url.hasSuffix("cached") { return (.response(.download(TransferStatus(status: 0))), []) }
    return (.response(.download(TransferStatus(status: 1))), [.transfer(arguments)])
  }

  private mutating func set(_ settings: [ParameterValue], _ key: String) -> (Answer, [Consequence]) {
    for setting in settings { values[setting.name] = setting.value }
    values[Self.key] = key
    var after: [Consequence] = []
    if settings.contains(where: { $0.name == Self.diagnostics && $0.value == "Requested" }) {
      after.append(.diagnostics)
    }
    if let password = settings.first(where: { $0.name == "Device.ManagementServer.Password" })?.value {
      after.append(.password(password))
    }
    return (.response(.setParameterValues(status: 0)), after)
  }

  private mutating func add() -> CPEResponse {
    instances.append(nextInstance)
    nextInstance += 1
    return .addObject(instanceNumber: nextInstance - 1, status: 0)
  }

  private mutating func delete(_ path: String) -> Answer {
    guard let index = instances.firstIndex(where: { path == "\(Self.table)\($0)." }) else {
      return .fault(CWMPFault(code: 9005, string: "Invalid parameter name"))
    }
    instances.remove(at: index)
    return .response(.deleteObject(status: 0))
  }

  private mutating func take(_ changes: [AttributeChange]) -> CPEResponse {
    for change in changes { notification = change.notification ?? notification }
    return .setParameterAttributes
  }

  // MARK: - Between sessions

  mutating func restart() { values[Self.diagnostics] = "None" }

  mutating func reset() {
    let life = life
    self = SimulatedDevice()
    self.life = life + 1
  }
}
