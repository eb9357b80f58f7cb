import Cryptography
import DataModel
import HTTP
import PostgreSQL

/// What is known of a device's parameters, as a tree of objects or as a list.
struct ParameterTree: Sendable {
  private let lane: Lane
  private let device: UUID128

  init(_ lane: Lane, _ device: UUID128) {
    self.lane = lane
    self.device = device
  }

  /// The answer to `?path=` (the root where it is missing) and `?view=tree|list`.
  func response(_ request: APIRequest) async throws -> APIResponse {
    let path = try Self.path(request.queryValue("path") ?? "")
    let view = request.queryValue("view") ?? "tree"
    guard view == "tree" || view == "list" else {
      throw Problem(.invalidField, "view is to be tree or list", field: "view")
    }
    // A wildcard stands for any instance, so the blocks are those of what stands before it.
    let stem = path.text.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
    let rows = try await lane.query(DeviceStatements.blocks, .uuid(device), .text(stem ?? path.text))
    let blocks = try rows.map { StoredBlock(key: try $0.text(0), bytes: try $0.bytes(1)) }
    let twin = Twin(stored: blocks, scope: .everything)
    let entries = twin.entries().filter { path.matches($0.path) }
    return .json { json in
      json.member("device", device.description)
      json.member("path", path.text)
      json.member("damaged_blocks", twin.damaged.count)
      if view == "tree" {
        json.key("tree")
        Self.write(Node(entries), &json)
      } else {
        json.key("parameters")
        json.array(entries) { json, item in
          json.object { json in
            json.member("name", item.path.text)
            Self.write(item.entry, isSecret: item.path.isSecret, isObject: item.path.isObject, &json)
          }
        }
      }
    }
  }

  private static func path(_ text: String) throws(Problem) -> ParameterPath {
    if text.isEmpty { return .root }
    do throws(ParameterPathError) {
      return try ParameterPath(text)
    } catch {
      throw Problem(.invalidField, "path: \(error)", field: "path")
    }
  }

  // MARK: - The tree

  /// An object with what it holds.
  final class Node {
    var entry: TwinEntry?
    var parameters: [(name: String, isSecret: Bool, entry: TwinEntry)] = []
    private(set) var objects: [String: Node] = [:]

    init() {}

    /// The tree of entries that are ordered by their paths.
    init(_ entries: [(path: ParameterPath, entry: TwinEntry)]) {
      for (path, entry) in entries {
        var node = self
        var names = path.segments
        let last = path.isObject ? nil : names.popLast()
        for name in names { node = node.child(String(name)) }
        if let last {
          node.parameters.append((String(last), path.isSecret, entry))
        } else {
          node.entry = entry
        }
      }
    }

    /// Objects by name, instances by number.
    var sortedObjects: [(key: String, value: Node)] {
      objects.sorted { left, right in
        if let one = Int(left.key), let other = Int(right.key) { return one < other }
        return left.key < right.key
      }
    }

    private func child(_ name: String) -> Node {
      if let child = objects[name] { return child }
      let child = Node()
      objects[name] = child
      return child
    }
  }

  private static func write(_ node: Node, _ json: inout JSONWriter) {
    json.object { json in
      if let entry = node.entry { write(entry, isSecret: false, isObject: true, &json) }
      json.member("parameters") { json in
        for parameter in node.parameters {
          json.member(parameter.name) {
            write(parameter.entry, isSecret: parameter.isSecret, isObject: false, &$0)
          }
        }
      }
      json.member("objects") { json in
        for (name, child) in node.sortedObjects {
          json.key(name)
          write(child, &json)
        }
      }
    }
  }

  /// What is known of one name; times are in milliseconds.
  private static func write(_ entry: TwinEntry, isSecret: Bool, isObject: Bool, _ json: inout JSONWriter) {
    if isObject {
      if let time = entry.childrenAt { json.member("listed_at", time: time * 1000) }
    } else {
      switch entry.value {
      case .secret: json.member("value", TaskRecord.mask)
      case .text where isSecret: json.member("value", TaskRecord.mask)
      case .text(let text): json.member("value", text)
      case nil: json.member("value", String?.none)
      }
      json.member("type", entry.type?.wireName)
    }
    if let writable = entry.writable { json.member("writable", writable) }
    if let notification = entry.notification { json.member("notification", notification) }
    if let list = entry.accessList { json.member("access_list", list) }
    if let time = entry.valueAt { json.member("learned_at", time: time * 1000) }
  }
}
