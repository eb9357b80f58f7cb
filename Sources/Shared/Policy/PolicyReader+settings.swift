import DataModel
import YAML

extension PolicyReader {
  /// `ensure`: parameters and what they must be.
  func ensure(_ node: YAMLNode) throws(PolicyError) -> [PolicyDocument.Setting] {
    let entries = try entries(node, "'ensure'")
    guard entries.count <= Self.mostSettings else {
      throw error(node, "'ensure' has \(entries.count) parameters", "give at most \(Self.mostSettings) in one policy")
    }
    var settings: [PolicyDocument.Setting] = []
    for entry in entries {
      let place = YAMLNode(.scalar(entry.key, isPlain: true), mark: entry.mark)
      let path = try path(place, entry.key)
      guard !path.sample.isObject else {
        throw error(place, "'\(entry.key)' is an object", "name a parameter, without a dot at its end")
      }
      guard path.sample.lastSegment != "DiagnosticsState" else {
        throw error(place, "a diagnosis is no state to hold", "start it with a task")
      }
      settings.append(try setting(path, entry.value))
    }
    return settings
  }

  /// `refresh`: what must be known, and how freshly.
  func refresh(_ node: YAMLNode) throws(PolicyError) -> [PolicyDocument.Refresh] {
    guard case .sequence(let items) = node.content, items.count <= Self.mostRefreshes else {
      throw error(
        node, "'refresh' must be a list of at most \(Self.mostRefreshes)", "write '- {path: Device.X., max_age: 1h}'")
    }
    var refreshes: [PolicyDocument.Refresh] = []
    for item in items {
      let fields = try fields(item, "an item of 'refresh'", ["path", "max_age"])
      guard let pathNode = fields["path"], let ageNode = fields["max_age"] else {
        throw error(item, "an item of 'refresh' needs 'path' and 'max_age'", "write {path: Device.X., max_age: 1h}")
      }
      let path = try path(pathNode, try text(pathNode, "the path"))
      refreshes.append(.init(path: path, maxAge: try age(ageNode)))
    }
    return refreshes
  }

  private func path(_ node: YAMLNode, _ text: String) throws(PolicyError) -> PolicyPath {
    let path: PolicyPath
    do throws(ParameterPathError) {
      path = try PolicyPath(text)
    } catch {
      throw self.error(node, error.description, "write it as Device.Object.1.Parameter")
    }
    guard RootDataModel(of: path.sample) != nil, path.sample.segments.count > 1 else {
      throw error(
        node, "'\(text)' lies in neither root",
        "begin it with Device., InternetGatewayDevice. or \(PolicyPath.rootPrefix) and name an object in it")
    }
    guard !path.sample.hasWildcard, !path.sample.hasAlias, !text.dropFirst(PolicyPath.rootPrefix.count).contains("$")
    else {
      throw error(
        node, "'\(text)' has a '*', an alias or a variable",
        "name each instance by its number; a variable may stand only for the root: \(PolicyPath.rootPrefix)")
    }
    return path
  }

  private func setting(_ path: PolicyPath, _ node: YAMLNode) throws(PolicyError) -> PolicyDocument.Setting {
    guard case .mapping = node.content else {
      let type = try suggestedType(node)
      return .init(path: path, value: try template(node), type: type, isTypeGiven: false)
    }
    let fields = try fields(node, "a parameter", ["type", "value"])
    guard let valueNode = fields["value"] else {
      throw error(node, "the parameter has no value", "write {type: xsd:unsignedInt, value: 5}, or the value alone")
    }
    let value = try template(valueNode)
    guard let typeNode = fields["type"] else {
      return .init(path: path, value: value, type: try suggestedType(valueNode), isTypeGiven: false)
    }
    let type = try type(typeNode)
    if value.isLiteral, !type.isLegal(value.text(for: DeviceFacts())) {
      throw error(
        valueNode, "the value is none of \(type.wireName)", "write a value of that type, or leave the type out")
    }
    return .init(path: path, value: value, type: type, isTypeGiven: true)
  }

  private func template(_ node: YAMLNode) throws(PolicyError) -> PolicyTemplate {
    guard let text = node.text, !node.isNull else {
      throw error(node, "a value must be a text, a number or a boolean, this is \(node.kind)", "write '' for no text")
    }
    do throws(PolicyTemplate.Failure) {
      return try PolicyTemplate(text)
    } catch {
      switch error {
      case .loneDollar: throw self.error(node, "a '$' stands alone", "write '$$' for a dollar")
      case .open: throw self.error(node, "a '${' does not close", "write '${device.serial_number}'")
      case .unknownVariable(let name):
        let known = PolicyTemplate.Variable.allCases.map(\.rawValue)
        let hint = Suggestion.nearest(to: name, in: known).map { "did you mean '\($0)'?" }
        throw self.error(node, "there is no such variable", hint ?? "known: \(known.joined(separator: ", "))")
      }
    }
  }

  /// What a value without a type suggests, which is used until the CPE tells the parameter's type.
  private func suggestedType(_ node: YAMLNode) throws(PolicyError) -> ParameterType {
    guard case .scalar(let text, isPlain: true) = node.content else { return .string }
    if node.boolean != nil { return .boolean }
    guard let first = text.utf8.first, first == UInt8(ascii: "-") || first >= UInt8(ascii: "0"),
      let number = Int128(text)
    else { return .string }
    // A leading zero is not how a number is written: a telephone number or a code.
    guard String(number) == text else { return .string }
    switch number {
    case Int128(Int32.min)..<0: return .int
    case 0...Int128(UInt32.max): return .unsignedInt
    case Int128(Int64.min)..<0: return .long
    case 0...Int128(UInt64.max): return .unsignedLong
    default: return .string
    }
  }

  private func type(_ node: YAMLNode) throws(PolicyError) -> ParameterType {
    let text = try text(node, "the type")
    let type = ParameterType(wireName: text)
    guard type.isKnown, text.hasPrefix("xsd:") else {
      let hint = Suggestion.nearest(to: text, in: Self.types)
      throw error(
        node, "there is no such type", hint.map { "did you mean '\($0)'?" } ?? Self.types.joined(separator: ", "))
    }
    return type
  }

  private static let types = [
    "xsd:string", "xsd:int", "xsd:unsignedInt", "xsd:long", "xsd:unsignedLong", "xsd:boolean", "xsd:dateTime",
    "xsd:base64", "xsd:hexBinary", "xsd:decimal",
  ]

  /// `30m`, `1h`, `7d`: from a minute to a year.
  private func age(_ node: YAMLNode) throws(PolicyError) -> UnixMilliseconds {
    let units: [Character: UnixMilliseconds] = ["s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
    guard let text = node.text, let unit = text.last.flatMap({ units[$0] }), let count = UInt32(text.dropLast()),
      (Self.shortestAge...Self.longestAge).contains(UnixMilliseconds(count) * unit)
    else {
      throw error(node, "this is no age", "write a number with s, m, h or d, from 60s to 366d, such as 30m")
    }
    return UnixMilliseconds(count) * unit
  }
}

extension ParameterType {
  /// Whether the text can stand for a value of the type.
  fileprivate func isLegal(_ text: String) -> Bool {
    switch self {
    case .int: Int32(text) != nil
    case .unsignedInt: UInt32(text) != nil
    case .long: Int64(text) != nil
    case .unsignedLong: UInt64(text) != nil
    case .boolean: Self.boolean(text) != nil
    case .hexBinary: text.utf8.count % 2 == 0 && text.allSatisfy(\.isHexDigit)
    case .decimal, .dateTime: isValue(text)
    case .string, .base64, .other: true
    }
  }
}
