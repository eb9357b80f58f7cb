/// A data model that many simulated CPEs share: nodes, types and first values. A CPE keeps only what differs.
public final class DeviceModel: Sendable {
  /// The models that come with the simulator.
  public enum BuiltIn: String, Sendable, CaseIterable {
    /// `Device.`, TR-181 issue 2.
    case tr181
    /// `InternetGatewayDevice.`, TR-098.
    case tr098
  }

  /// Its name, as on the command line.
  public let name: String
  /// `Device` or `InternetGatewayDevice`.
  public let root: String
  let nodes: [ModelNode]
  /// The parameters that the simulator itself reads and writes.
  let known: KnownNodes
  /// What every Inform carries, in this order (items 96 and 97).
  let forced: [NodeAddress]

  /// One of the built-in models.
  ///
  /// - Throws: ``ModelError`` if its text is not well-formed, which the unit tests rule out.
  public static func builtIn(_ model: BuiltIn) throws(ModelError) -> DeviceModel {
    switch model {
    case .tr181: try DeviceModel(name: "tr181", text: tr181Text, forced: tr181Forced)
    case .tr098: try DeviceModel(name: "tr098", text: tr098Text, forced: tr098Forced)
    }
  }

  /// Reads a model from its text (``ModelReader`` tells the form).
  ///
  /// - Parameter forced: Paths without the root, such as `DeviceInfo.SoftwareVersion`.
  init(name: String, text: String, forced: [String]) throws(ModelError) {
    self.name = name
    var reader = ModelReader()
    try reader.read(text)
    nodes = reader.nodes
    root = nodes[0].name
    let lookup = ModelLookup(nodes: reader.nodes)
    known = try KnownNodes(lookup)
    self.forced = try lookup.addresses(forced)
  }

  /// How many parameters a CPE of the model has before instances are added or deleted.
  public var parameterCount: Int { DeviceData().parameters(below: NodeAddress(node: 0), in: self).count }

  func node(_ address: NodeAddress) -> ModelNode { nodes[Int(address.node)] }

  /// The path of an address; objects, tables and instances end in a dot.
  func path(of address: NodeAddress) -> String {
    let node = nodes[Int(address.node)]
    let above = address.node == 0 ? "" : path(of: address.at(node.parent))
    if node.parameter != nil { return above + node.name }
    guard node.isTable, address[node.level] != 0 else { return "\(above)\(node.name)." }
    return "\(above)\(node.name).\(address[node.level])."
  }

  /// Where a path leads, by the model alone; an empty path is the root.
  func address(of path: String) -> NodeAddress? {
    if path.isEmpty { return NodeAddress(node: 0) }
    var segments = path.split(separator: ".", omittingEmptySubsequences: false)
    guard segments.removeFirst() == root else { return nil }
    let isPartial = segments.last?.isEmpty ?? false
    if isPartial { segments.removeLast() }
    guard let address = ModelLookup(nodes: nodes).address(segments) else { return nil }
    return (node(address).parameter == nil) == isPartial ? address : nil
  }
}

/// A model's text that cannot be read.
public struct ModelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The line, from 1; 0 if it is about the whole.
  public let line: Int
  /// What is wrong.
  public let reason: String

  /// The line and what is wrong.
  public var description: String { line == 0 ? "data model: \(reason)" : "data model, line \(line): \(reason)" }
}
