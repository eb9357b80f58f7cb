import Operations

/// `get`, `set`, `reboot` and the like: tasks without JSON.
extension Command {
  func runFriendly() async throws -> Int32 {
    switch arguments.command.first {
    case "get":
      let operands = try operands(2...1025)
      return try await queue(operands[0], "GetParameterValues", ["names": Self.texts(operands.dropFirst())])
    case "set":
      let operands = try operands(2...1025)
      let settings = try operands.dropFirst().map(setting)
      return try await queue(operands[0], "SetParameterValues", ["parameters": .array(settings)])
    case "add", "delete":
      let operands = try operands(2...2)
      let path = operands[1].hasSuffix(".") ? operands[1] : operands[1] + "."
      return try await queue(
        operands[0], arguments.command.first == "add" ? "AddObject" : "DeleteObject", ["path": .text(path)])
    case "names":
      let operands = try operands(1...2)
      return try await queue(
        operands[0], "GetParameterNames", ["path": .text(operands.count > 1 ? operands[1] : "")])
    case "reboot": return try await queue(try operand(), "Reboot")
    case "factory-reset": return try await queue(try operand(), "FactoryReset")
    default: return try await download()
    }
  }

  private static func texts(_ texts: some Sequence<String>) -> JSONDocument { .array(texts.map { .text($0) }) }

  /// `PATH=VALUE`, `PATH:TYPE=VALUE`, `PATH=@FILE`.
  private func setting(_ text: String) throws -> JSONDocument {
    guard let equals = text.firstIndex(of: "=") else { throw misuse("'\(text)' is not PATH=VALUE") }
    let left = text[..<equals].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    var value = String(text[text.index(after: equals)...])
    if value.hasPrefix("@") { value = try contents(of: String(value.dropFirst()), isValue: true) }
    var members: [String: JSONDocument] = ["name": .text(String(left[0])), "value": .text(value)]
    if left.count == 2 { members["type"] = .text(left[1].hasPrefix("xsd:") ? String(left[1]) : "xsd:\(left[1])") }
    return .object(members)
  }

  private func download() async throws -> Int32 {
    let operands = try operands(2...2)
    var members: [String: JSONDocument] = [
      "file_type": .text(arguments.value("file-type") ?? "1 Firmware Upgrade Image"), "url": .text(operands[1]),
    ]
    if let version = arguments.value("software-version") { members["software_version"] = .text(version) }
    if let size = try arguments.integer("file-size", in: 0...Int(UInt32.max)) {
      members["file_size"] = .integer(Int64(size))
    }
    if let name = arguments.value("username") { members["username"] = .text(name) }
    if let file = arguments.value("password-file") {
      members["password"] = .text(try contents(of: file, isValue: true))
    }
    return try await queue(operands[0], "Download", members)
  }
}
