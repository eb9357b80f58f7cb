import DataModel
import YAML

extension PolicyDocument {
  /// Reads a policy.
  ///
  /// - Parameter file: what errors call the text, such as its path.
  /// - Throws: ``PolicyError`` with line, column, what is wrong and how to mend it.
  public static func parse(_ text: String, file: String = "policy") throws(PolicyError) -> PolicyDocument {
    let document: YAMLDocument
    do throws(YAMLError) {
      document = try YAMLDocument.parse(Array(text.utf8), file: file)
    } catch {
      throw PolicyError(
        file: file, line: error.mark?.line ?? 1, column: error.mark?.column ?? 1, what: error.reason,
        mend: "write one YAML document")
    }
    return try PolicyReader(file: file).document(document.root)
  }
}

/// Reads the tree of a policy. Each function names the first thing that is wrong below the node it is given.
struct PolicyReader {
  static let longestName = 64
  static let mostSettings = 1_000
  static let mostRefreshes = 200
  static let mostPatterns = 200
  static let shortestAge: UnixMilliseconds = 60_000
  static let longestAge: UnixMilliseconds = 366 * 86_400_000

  let file: String

  func document(_ root: YAMLNode) throws(PolicyError) -> PolicyDocument {
    let entries = try fields(root, "a policy", ["name", "priority", "match", "on", "ensure", "refresh"])
    guard let name = entries["name"] else { throw error(root, "the policy has no name", "add 'name: ...'") }
    var policy = PolicyDocument(name: try self.name(name))
    if let node = entries["priority"] { policy.priority = try priority(node) }
    if let node = entries["match"] { policy.match = try match(node) }
    if let node = entries["on"] { policy.events = try events(node) }
    if let node = entries["ensure"] { policy.ensure = try ensure(node) }
    if let node = entries["refresh"] { policy.refresh = try refresh(node) }
    guard !policy.ensure.isEmpty || !policy.refresh.isEmpty else {
      throw error(root, "the policy asks for nothing", "add 'ensure' or 'refresh'")
    }
    return policy
  }

  private func name(_ node: YAMLNode) throws(PolicyError) -> String {
    let name = try text(node, "the name")
    let isLegal = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
        UInt8(ascii: "_"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    guard isLegal, !name.isEmpty, name.utf8.count <= Self.longestName else {
      throw error(node, "this is no name", "use 1 to \(Self.longestName) of a-z, 0-9, '-', '_', '.'")
    }
    return name
  }

  private func priority(_ node: YAMLNode) throws(PolicyError) -> Int {
    guard case .scalar(let text, isPlain: true) = node.content, let number = Int(text), abs(number) <= 1_000_000 else {
      throw error(node, "the priority is no whole number", "write a number from -1000000 to 1000000, such as 10")
    }
    return number
  }

  // MARK: match and on

  private func match(_ node: YAMLNode) throws(PolicyError) -> PolicyMatch {
    var match = PolicyMatch()
    let known = [
      "manufacturer", "oui", "product_class", "software_version", "hardware_version", "tags", "root",
    ]
    let entries = try fields(node, "'match'", known)
    match.manufacturer = try globs(entries["manufacturer"])
    match.oui = try globs(entries["oui"])
    match.productClass = try globs(entries["product_class"])
    match.softwareVersion = try globs(entries["software_version"])
    match.hardwareVersion = try globs(entries["hardware_version"])
    match.tags = try globs(entries["tags"])
    for node in try list(entries["root"]) {
      let text = try text(node, "the root")
      guard let root = RootDataModel(rawValue: text.hasSuffix(".") ? text : text + ".") else {
        let hint = Suggestion.nearest(to: text, in: ["Device", "InternetGatewayDevice"])
        throw error(node, "there is no such root", "write \(hint ?? "Device or InternetGatewayDevice")")
      }
      match.root.append(root)
    }
    return match
  }

  private func globs(_ node: YAMLNode?) throws(PolicyError) -> [Glob] {
    var globs: [Glob] = []
    for node in try list(node) { globs.append(Glob(try text(node, "a pattern"))) }
    return globs
  }

  private func events(_ node: YAMLNode) throws(PolicyError) -> [String] {
    var events: [String] = []
    for node in try list(node) {
      let event = try text(node, "an event")
      guard Self.isEvent(event) else {
        let known = Self.events.filter { $0.hasSuffix(" " + event.uppercased()) || $0.hasPrefix(event + " ") }
        let hint = known.first ?? Suggestion.nearest(to: event, in: Self.events)
        throw error(node, "there is no such event", hint.map { "did you mean '\($0)'?" } ?? "such as '1 BOOT'")
      }
      events.append(event)
    }
    return events
  }

  private static func isEvent(_ text: String) -> Bool {
    events.contains(text) || text.hasPrefix("M ") && text.utf8.count > 2 || text.hasPrefix("X ") && text.utf8.count > 2
  }

  private static let events = [
    "0 BOOTSTRAP", "1 BOOT", "2 PERIODIC", "3 SCHEDULED", "4 VALUE CHANGE", "5 KICKED", "6 CONNECTION REQUEST",
    "7 TRANSFER COMPLETE", "8 DIAGNOSTICS COMPLETE", "9 REQUEST DOWNLOAD", "10 AUTONOMOUS TRANSFER COMPLETE",
    "11 DU STATE CHANGE COMPLETE", "12 AUTONOMOUS DU STATE CHANGE COMPLETE", "13 WAKEUP", "14 HEARTBEAT",
  ]
}

// MARK: Nodes

extension PolicyReader {
  /// The values of a mapping by their keys, each of which must be known.
  func fields(_ node: YAMLNode, _ what: String, _ known: [String]) throws(PolicyError) -> [String: YAMLNode] {
    var fields: [String: YAMLNode] = [:]
    for entry in try entries(node, what) {
      guard known.contains(entry.key) else {
        let hint = Suggestion.nearest(to: entry.key, in: known).map { "did you mean '\($0)'?" }
        throw PolicyError(
          file: file, line: entry.mark.line, column: entry.mark.column, what: "\(what) has no '\(entry.key)'",
          mend: hint ?? "known: \(known.joined(separator: ", "))")
      }
      fields[entry.key] = entry.value
    }
    return fields
  }

  /// A mapping's entries.
  func entries(_ node: YAMLNode, _ what: String) throws(PolicyError) -> [YAMLEntry] {
    guard case .mapping(let entries) = node.content else {
      throw error(node, "\(what) must be a mapping, this is \(node.kind)", "write 'key: value' lines")
    }
    return entries
  }

  /// A list's items, or the one value that stands in place of a list; none without a node.
  func list(_ node: YAMLNode?) throws(PolicyError) -> [YAMLNode] {
    guard let node else { return [] }
    guard case .sequence(let items) = node.content else { return [node] }
    guard !items.isEmpty, items.count <= Self.mostPatterns else {
      throw error(node, "the list has \(items.count) items", "give 1 to \(Self.mostPatterns), or leave the key out")
    }
    return items
  }

  /// A text that is not empty.
  func text(_ node: YAMLNode, _ what: String) throws(PolicyError) -> String {
    guard let text = node.text, !text.isEmpty, !node.isNull else {
      throw error(node, "\(what) must be a text, this is \(node.kind)", "write it on this line")
    }
    return text
  }

  func error(_ node: YAMLNode, _ what: String, _ mend: String) -> PolicyError {
    PolicyError(file: file, line: node.mark.line, column: node.mark.column, what: what, mend: mend)
  }
}
