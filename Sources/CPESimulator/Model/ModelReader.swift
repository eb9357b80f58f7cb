import CWMP

/// Reads a model's text, one parameter a line below a line with its object:
///
/// ```
/// root Device
/// DeviceInfo.
///   SoftwareVersion string r 1.0.0
/// IP.Interface.{2+}.
///   Enable boolean w 1
/// ```
///
/// `{2}` is a table with two instances at first, `{2+}` one that the ACS may add to and delete from. After name and
/// type stand flags: `r` or `w`(ritable), `h`idden, `v`olatile, `d`enies active notification, `f`orces it; then the
/// first value, which may hold `$serial`, `$identity`, `$index`, `$number` (the innermost instance's), `$mac`, `$ip`,
/// `$acs`, `$callback`, `$interval`, `$user`, `$secret`, `$uptime`, `$now`, or be `#Table`, the number of instances of
/// a sibling.
struct ModelReader {
  private(set) var nodes: [ModelNode] = []
  private var object: UInt16 = 0
  private var line = 0

  mutating func read(_ text: String) throws(ModelError) {
    for content in text.split(separator: "\n", omittingEmptySubsequences: false) {
      line += 1
      let words = content.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: true)
      guard let first = words.first, !first.hasPrefix("//") else { continue }
      if first == "root", words.count == 2 {
        nodes = [ModelNode(name: String(words[1]), parent: 0, level: 0, kind: .object)]
      } else if nodes.isEmpty {
        throw fault("the root must come first")
      } else if words.count == 1, first.hasSuffix(".") {
        try openObject(first.split(separator: "."))
      } else {
        try addParameter(words)
      }
    }
    guard !nodes.isEmpty else { throw fault("no root") }
  }

  private func fault(_ reason: String) -> ModelError { ModelError(line: line, reason: reason) }

  private mutating func openObject(_ segments: [Substring]) throws(ModelError) {
    object = 0
    for (index, segment) in segments.enumerated() where !segment.hasPrefix("{") {
      let count = index + 1 < segments.count ? segments[index + 1] : ""
      if let existing = nodes[Int(object)].children.first(where: { nodes[Int($0)].name == segment }) {
        object = existing
      } else {
        object = try add(String(segment), count.hasPrefix("{") ? try table(count) : .object)
      }
    }
  }

  private func table(_ text: Substring) throws(ModelError) -> ModelNode.Kind {
    let digits = text.dropFirst().prefix { $0.isNumber }
    let rest = text.dropFirst(1 + digits.count)
    guard let count = UInt16(digits), rest == "}" || rest == "+}" else { throw fault("malformed table \(text)") }
    return .table(initial: count, isOpen: rest == "+}")
  }

  private mutating func addParameter(_ words: [Substring]) throws(ModelError) {
    guard words.count >= 3, let type = ParameterType(rawValue: String(words[1])) else {
      throw fault("expected NAME TYPE FLAGS [VALUE]")
    }
    let initial = words.count == 4 ? String(words[3]) : ""
    var parameter = ModelNode.Parameter(type: type, initial: initial)
    parameter.isComputed = initial.contains("$") || initial.hasPrefix("#")
    for flag in words[2] {
      switch flag {
      case "r": break
      case "w": parameter.isWritable = true
      case "h": parameter.isHidden = true
      case "v": parameter.isVolatile = true
      case "d": parameter.deniesNotification = true
      case "f": parameter.forcesNotification = true
      default: throw fault("unknown flag \(flag)")
      }
    }
    _ = try add(String(words[0]), .parameter(parameter))
  }

  private mutating func add(_ name: String, _ kind: ModelNode.Kind) throws(ModelError) -> UInt16 {
    let parent = nodes[Int(object)]
    guard nodes.count < Int(UInt16.max) else { throw fault("too many nodes") }
    guard !parent.children.contains(where: { nodes[Int($0)].name == name }) else { throw fault("\(name) stands twice") }
    let level = parent.level + (parent.isTable ? 1 : 0)
    guard level < NodeAddress.deepestNesting || kind.isParameter else { throw fault("tables nest too deep") }
    let node = UInt16(nodes.count)
    nodes.append(ModelNode(name: name, parent: object, level: level, kind: kind))
    nodes[Int(object)].children.append(node)
    return node
  }
}

extension ModelNode.Kind {
  var isParameter: Bool {
    if case .parameter = self { true } else { false }
  }
}
