import YAML

/// Reads one section of the configuration: each key from the environment (`CARILLON_SECTION_KEY`) if it is there, else
/// from the file, else its default. Problems are collected, not thrown, so that one start tells them all.
final class ConfigurationReader {
  /// What all sections of one configuration share.
  final class Shared {
    let file: String
    let environment: [String: String]
    var problems: [YAMLError] = []
    /// Names of variables that some key read.
    var variables: Set<String> = []
    /// Every key that was asked for, with its default, for the reference and its test.
    var keys: [(path: String, variable: String, fallback: String)] = []

    init(file: String, environment: [String: String]) {
      self.file = file
      self.environment = environment
    }
  }

  let shared: Shared
  private let node: YAMLNode?
  private let path: [String]
  private var asked: [String] = []
  private var sections: [ConfigurationReader] = []

  init(_ node: YAMLNode?, path: [String], shared: Shared) {
    self.shared = shared
    self.path = path
    if let node, case .mapping = node.content {
      self.node = node
    } else {
      self.node = nil
      if let node, !node.isNull { report("a mapping is expected, this is \(node.kind)", at: node.mark) }
    }
  }

  // MARK: Sections and lists

  func section(_ key: String) -> ConfigurationReader {
    asked.append(key)
    let section = ConfigurationReader(node?[key], path: path + [key], shared: shared)
    sections.append(section)
    return section
  }

  /// A list of sections; the environment names them by index (`CARILLON_GATEWAY_LISTENERS_0_PORT`) and may add some.
  func list(_ key: String) -> [ConfigurationReader] {
    asked.append(key)
    var items: [YAMLNode?] = []
    if let list = node?[key] {
      if case .sequence(let nodes) = list.content {
        items = nodes
      } else if !list.isNull {
        report("a list is expected, this is \(list.kind)", key: key, at: list.mark)
      }
    }
    let prefix = variable(key) + "_"
    while shared.environment.keys.contains(where: { $0.hasPrefix("\(prefix)\(items.count)_") }) { items.append(nil) }
    let readers = items.enumerated().map { index, item in
      ConfigurationReader(item, path: path + [key, "\(index)"], shared: shared)
    }
    sections += readers
    return readers
  }

  /// A list of texts: a YAML list, one text, or comma-separated in the environment.
  func texts(_ key: String, default fallback: [String] = []) -> [String] {
    note(key, fallback.joined(separator: ","))
    if let text = environment(key) { return Self.commaSeparated(text) }
    guard let value = node?[key], !value.isNull else { return fallback }
    switch value.content {
    case .scalar(let text, _): return Self.commaSeparated(text)
    case .sequence(let items):
      return items.compactMap { item in
        if item.text == nil { report("a text is expected, this is \(item.kind)", key: key, at: item.mark) }
        return item.text
      }
    case .mapping:
      report("a list is expected, this is a mapping", key: key, at: value.mark)
      return fallback
    }
  }

  // MARK: Values

  func text(_ key: String) -> String? { value(key, "", parse: { $0 }) }

  func text(_ key: String, default fallback: String) -> String { value(key, fallback, parse: { $0 }) ?? fallback }

  func boolean(_ key: String, default fallback: Bool) -> Bool {
    value(key, "\(fallback)", expected: "true or false") { ["true": true, "false": false][$0] } ?? fallback
  }

  func integer(_ key: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
    integer(key, in: range, fallback: "\(fallback)") ?? fallback
  }

  func integer(_ key: String, in range: ClosedRange<Int>, fallback: String = "") -> Int? {
    let expected = "a whole number from \(range.lowerBound) to \(range.upperBound) is expected"
    return value(key, fallback, expected: expected) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
  }

  func duration(_ key: String, default fallback: Duration, in range: ClosedRange<Duration>) -> Duration {
    let expected =
      "a time from \(Quantity.text(range.lowerBound)) to \(Quantity.text(range.upperBound)) with its unit "
      + "(ms, s, m, h, d) is expected"
    return value(key, Quantity.text(fallback), expected: expected) { text in
      Quantity.duration(text).flatMap { range.contains($0) ? $0 : nil }
    } ?? fallback
  }

  func size(_ key: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
    let expected =
      "a size from \(Quantity.text(bytes: range.lowerBound)) to \(Quantity.text(bytes: range.upperBound)) is expected, "
      + "in bytes or with KiB, MiB or GiB"
    return value(key, Quantity.text(bytes: fallback), expected: expected) { text in
      Quantity.bytes(text).flatMap { range.contains($0) ? $0 : nil }
    } ?? fallback
  }

  func choice<Value: RawRepresentable & CaseIterable>(
    _ key: String, default fallback: Value
  ) -> Value where Value.RawValue == String {
    let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
    return value(key, fallback.rawValue, expected: "one of \(names) is expected") { Value(rawValue: $0) } ?? fallback
  }

  func level(_ key: String, default fallback: LogLevel) -> LogLevel {
    let names = LogLevel.allCases.map(\.name).joined(separator: ", ")
    return value(key, fallback.name, expected: "one of \(names) is expected") { LogLevel(name: $0) } ?? fallback
  }

  /// A secret: from the file that `KEY_file` names, or from the environment's `…_KEY` itself; never from the YAML.
  func secret(_ key: String) -> SecretSource? {
    let file = text(key + "_file")
    asked.append(key)
    let name = variable(key)
    shared.variables.insert(name)
    if let value = node?[key], !value.isNull {
      report("no secret stands here: name a file under '\(key)_file', or set \(name)", key: key, at: value.mark)
    }
    if let text = shared.environment[name] { return .value(text) }
    return file.map { .file($0) }
  }

  private func value<Value>(
    _ key: String, _ fallback: String, expected: String = "", parse: (String) -> Value?
  ) -> Value? {
    note(key, fallback)
    if let text = environment(key) {
      if let value = parse(text) { return value }
      report(expected, key: key, variable: variable(key))
      return nil
    }
    guard let found = node?[key], !found.isNull else { return nil }
    guard let text = found.text else {
      report("a single value is expected, this is \(found.kind)", key: key, at: found.mark)
      return nil
    }
    if let value = parse(text) { return value }
    report(expected, key: key, at: found.mark)
    return nil
  }

  // MARK: Problems

  /// Where a key stands, for problems found after reading.
  func report(_ reason: String, key: String) {
    if shared.environment[variable(key)] != nil {
      report(reason, key: key, variable: variable(key))
    } else {
      report(reason, key: key, at: node?[key]?.mark ?? node?.mark)
    }
  }

  private func report(_ reason: String, key: String? = nil, at mark: YAMLMark?) {
    shared.problems.append(
      YAMLError(file: shared.file, mark: mark, path: (path + (key.map { [$0] } ?? [])).dotted, reason: reason))
  }

  private func report(_ reason: String, key: String, variable: String) {
    shared.problems.append(
      YAMLError(file: "environment \(variable)", mark: nil, path: (path + [key]).dotted, reason: reason))
  }

  /// Reports the keys of the file that nobody asked for, here and below.
  func refuseUnknownKeys() {
    if let node, case .mapping(let entries) = node.content {
      for entry in entries where !asked.contains(entry.key) {
        report("unknown key" + Suggestion.hint(for: entry.key, known: asked), key: entry.key, at: entry.mark)
      }
    }
    for section in sections { section.refuseUnknownKeys() }
  }

  // MARK: The environment

  private func note(_ key: String, _ fallback: String) {
    asked.append(key)
    shared.variables.insert(variable(key))
    shared.keys.append((path: (path + [key]).dotted, variable: variable(key), fallback: fallback))
  }

  private func environment(_ key: String) -> String? { shared.environment[variable(key)] }

  private func variable(_ key: String) -> String {
    "CARILLON_" + (path + [key]).map { $0.uppercased() }.joined(separator: "_")
  }

  private static func commaSeparated(_ text: String) -> [String] {
    text.split(separator: ",").map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
  }
}

extension [String] {
  /// `gateway.listeners[0].port`.
  fileprivate var dotted: String {
    reduce(into: "") { text, key in
      if Int(key) != nil {
        text += "[\(key)]"
      } else {
        text += (text.isEmpty ? "" : ".") + key
      }
    }
  }
}
