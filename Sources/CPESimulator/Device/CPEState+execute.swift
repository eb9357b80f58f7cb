import CWMP

/// A CPE's answer to an RPC.
enum RPCAnswer: Sendable, Equatable {
  case response(CPEResponse)
  case fault(CWMPFault)
}

extension CPEState {
  /// The methods of GetRPCMethodsResponse (table 2.1).
  static let methods = [
    "GetRPCMethods", "SetParameterValues", "GetParameterValues", "GetParameterNames", "SetParameterAttributes",
    "GetParameterAttributes", "AddObject", "DeleteObject", "Download", "Reboot", "ScheduleInform", "FactoryReset",
  ]

  /// Carries an RPC out; what must wait for the session's end is postponed (item 166).
  mutating func execute(_ request: CWMPRequest, now: Int64) -> RPCAnswer {
    do throws(CWMPFault) {
      return .response(try respond(to: request, now: now))
    } catch {
      return .fault(error)
    }
  }

  private mutating func respond(to request: CWMPRequest, now: Int64) throws(CWMPFault) -> CPEResponse {
    switch request {
    case .getRPCMethods:
      return .getRPCMethods(Self.methods)
    case .getParameterNames(let path, let nextLevel):
      return .getParameterNames(try parameterNames(path, nextLevel: nextLevel))
    case .getParameterValues(let names):
      return .getParameterValues(try parameterValues(names, now: now))
    case .getParameterAttributes(let names):
      return .getParameterAttributes(try parameterAttributes(names))
    case .setParameterValues(let values, let key):
      try setParameterValues(values, now: now)
      data.write(key, at: model.known.parameterKey)
      return .setParameterValues(status: 0)
    case .setParameterAttributes(let changes):
      try setParameterAttributes(changes)
      return .setParameterAttributes
    case .addObject(let path, let key):
      let number = try addObject(path)
      data.write(key, at: model.known.parameterKey)
      return .addObject(instanceNumber: UInt32(number), status: 0)
    case .deleteObject(let path, let key):
      try deleteObject(path)
      data.write(key, at: model.known.parameterKey)
      return .deleteObject(status: 0)
    case .reboot(let key):
      postpone(.reboot(commandKey: key))
      return .reboot
    case .factoryReset:
      postpone(.factoryReset)
      return .factoryReset
    case .download(let arguments):
      return try startDownload(arguments)
    case .upload:
      throw CWMPFault(code: 9000, string: "Method not supported")
    case .scheduleInform(let delay, let key):
      guard delay >= 1 else { throw CWMPFault(code: 9003, string: "DelaySeconds must be at least 1") }
      postpone(.inform(delaySeconds: delay, commandKey: key))
      return .scheduleInform
    }
  }

  // MARK: - Finding

  private func find(_ path: String) throws(CWMPFault) -> NodeAddress {
    guard let address = model.address(of: path), data.contains(address, in: model) else {
      throw CWMPFault(code: 9005, string: "Invalid parameter name")
    }
    return address
  }

  private func parameterNames(_ path: String, nextLevel: Bool) throws(CWMPFault) -> ParameterInfoList {
    let place = try find(path)
    var found: [NodeAddress] = []
    if nextLevel {
      guard model.node(place).parameter == nil else {
        throw CWMPFault(code: 9003, string: "NextLevel of a parameter")
      }
      found = path.isEmpty ? [place] : data.children(of: place, in: model)
    } else {
      data.walk(place, in: model) { address in
        found.append(address)
        return true
      }
    }
    return ParameterInfoList(found.map { ParameterInfo(model.path(of: $0), writable: isWritable($0)) })
  }

  /// Parameters: settable; tables and instances: open to AddObject and DeleteObject (item 124).
  private func isWritable(_ address: NodeAddress) -> Bool {
    switch model.node(address).kind {
    case .object: false
    case .table(_, let isOpen): isOpen
    case .parameter(let parameter): parameter.isWritable
    }
  }

  private mutating func parameterValues(_ names: [String], now: Int64) throws(CWMPFault) -> ParameterList {
    var list = ParameterList()
    for name in names {
      for address in data.parameters(below: try find(name), in: model) {
        guard let parameter = model.node(address).parameter else { continue }
        list.append(
          ParameterValue(
            model.path(of: address), readableValue(at: address, now: now), type: parameter.type))
      }
    }
    pad(&list)
    return list
  }

  /// A device with very much to tell: values that hardly compress.
  private mutating func pad(_ list: inout ParameterList) {
    let digits = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_".utf8)
    for (number, start) in stride(from: 0, to: environment.padding, by: 400).enumerated() {
      var value: [UInt8] = []
      while value.count < min(400, environment.padding - start) {
        let bits = random.next()
        for shift in stride(from: UInt64(0), to: 60, by: 6) { value.append(digits[Int(bits >> shift & 63)]) }
      }
      list.append(
        ParameterValue("\(model.root).X_CARILLON_Padding.\(number + 1).Value", String(decoding: value, as: UTF8.self)))
    }
  }

  private func parameterAttributes(_ names: [String]) throws(CWMPFault) -> [ParameterAttributes] {
    var list: [ParameterAttributes] = []
    for name in names {
      for address in data.parameters(below: try find(name), in: model) {
        let notification = Int(data.notification(at: address, in: model))
        list.append(ParameterAttributes(model.path(of: address), notification: notification))
      }
    }
    return list
  }

  // MARK: - Writing

  /// All or nothing (item 130), each bad parameter named in the fault (item 132).
  private mutating func setParameterValues(_ values: [ParameterValue], now: Int64) throws(CWMPFault) {
    var writes: [(address: NodeAddress, value: String)] = []
    var faults: [CWMPFault.Parameter] = []
    var seen: Set<String> = []
    for value in values {
      guard seen.insert(value.name).inserted else {
        faults.append(.init(name: value.name, code: 9003, string: "Named twice"))
        continue
      }
      do throws(CWMPFault) {
        writes.append(try checked(value))
      } catch {
        faults.append(.init(name: value.name, code: error.code, string: error.string))
      }
    }
    guard faults.isEmpty else { throw CWMPFault(code: 9003, string: "Invalid arguments", parameters: faults) }
    for write in writes {
      data.write(write.value, at: write.address)
      if model.node(write.address).name == "DiagnosticsState", write.value == "Requested" {
        postpone(.diagnostics(write.address))
      }
    }
  }

  private func checked(_ value: ParameterValue) throws(CWMPFault) -> (address: NodeAddress, value: String) {
    let address = try find(value.name)
    guard let parameter = model.node(address).parameter else {
      throw CWMPFault(code: 9005, string: "Invalid parameter name")
    }
    guard parameter.isWritable else {
      throw CWMPFault(code: 9008, string: "Attempt to set a non-writable parameter")
    }
    guard value.type == parameter.type else {
      throw CWMPFault(code: 9006, string: "Invalid parameter type: it is \(parameter.type.rawValue)")
    }
    guard let text = ValueCheck.normalised(value.value, parameter.type) else {
      throw CWMPFault(code: 9007, string: "Invalid parameter value")
    }
    return (address, text)
  }

  private mutating func setParameterAttributes(_ changes: [AttributeChange]) throws(CWMPFault) {
    var writes: [(NodeAddress, UInt8)] = []
    for change in changes {
      let place = try find(change.name)
      guard let notification = change.notification else { continue }
      guard (0...2).contains(notification) else {
        throw CWMPFault(code: 9003, string: "Notification \(notification) is not known")
      }
      for address in data.parameters(below: place, in: model) {
        let parameter = model.node(address).parameter
        if notification == 2, parameter?.deniesNotification == true {
          throw CWMPFault(code: 9009, string: "Notification request rejected")
        }
        if parameter?.forcesNotification != true { writes.append((address, UInt8(notification))) }
      }
    }
    for (address, notification) in writes { data.notify(notification, at: address) }
  }

  private mutating func addObject(_ path: String) throws(CWMPFault) -> UInt16 {
    let table = try find(path)
    guard case .table(_, isOpen: true) = model.node(table).kind, table[model.node(table).level] == 0 else {
      throw CWMPFault(code: 9005, string: "Not a table that can be added to")
    }
    guard data.instances(of: table, in: model).count < 256 else {
      throw CWMPFault(code: 9004, string: "Resources exceeded")
    }
    return data.add(to: table, in: model)
  }

  private mutating func deleteObject(_ path: String) throws(CWMPFault) {
    let instance = try find(path)
    guard case .table(_, isOpen: true) = model.node(instance).kind, instance[model.node(instance).level] != 0 else {
      throw CWMPFault(code: 9005, string: "Not an instance that can be deleted")
    }
    data.delete(instance, in: model)
  }

  private mutating func startDownload(_ arguments: DownloadArguments) throws(CWMPFault) -> CPEResponse {
    guard arguments.fileType.hasPrefix("X ") || Self.fileTypes.contains(arguments.fileType) else {
      throw CWMPFault(code: 9003, string: "FileType is not known")
    }
    guard let address = ACSAddress(arguments.url) else {
      throw CWMPFault(code: 9013, string: "Unsupported protocol for file transfer")
    }
    guard !address.hasUserInformation else { throw CWMPFault(code: 9003, string: "User information in the URL") }
    postpone(.download(arguments))
    return .download(TransferStatus(status: 1))
  }

  private static let fileTypes: Set<String> = [
    "1 Firmware Upgrade Image", "2 Web Content", "3 Vendor Configuration File", "4 Tone File", "5 Ringer File",
  ]
}
